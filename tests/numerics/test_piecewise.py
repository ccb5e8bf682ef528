"""Piecewise maps against the integral of their slope, written out in plain NumPy."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from pushforward.numerics import piecewise
from pushforward.numerics.bins import MIN_BIN
from pushforward.numerics.piecewise import MIN_DENSITY

BINS, BOUND = 4, 3.0
INTERVALS = {"real": (-BOUND, BOUND, BOUND), "unit": (0.0, 1.0, None)}


def shares(raw):
    weights = np.exp(raw - raw.max())
    return MIN_BIN + (1 - MIN_BIN * len(raw)) * weights / weights.sum()


def linear_slope(params, low, high):
    """The slope at x, from the bins' heights."""
    heights = shares(params) * BINS
    return lambda x: heights[min(int((x - low) / (high - low) * BINS), BINS - 1)]


def quadratic_slope(params, low, high):
    """The slope at x: between the knots' densities, which are normalised numerically."""
    knots = low + (high - low) * np.append(0, np.cumsum(shares(params[:BINS])))
    raw = np.exp(params[BINS:])
    tails = len(raw) == BINS - 1
    hat = np.interp  # densities linear between knots, so that the trapezoids' integral is exact

    def mean(densities):
        return np.trapezoid(densities, knots) / (high - low)

    # Of the inner densities (or all), the mean must be that which the ends leave.
    ends, inner = (np.r_[1, np.zeros(BINS - 1), 1], np.r_[0, raw, 0]) if tails else (np.zeros(BINS + 1), raw)
    ones = np.r_[0, np.ones(BINS - 1), 0] if tails else np.ones(BINS + 1)
    rest = 1 - mean(ends)
    densities = ends + MIN_DENSITY * ones + (1 - MIN_DENSITY) * inner * rest / mean(inner)
    return lambda x: hat(x, knots, densities)


KINDS = {
    "linear": (piecewise.linear, piecewise.linear_inverse, linear_slope, {"real": BINS, "unit": BINS}),
    "quadratic": (
        piecewise.quadratic,
        piecewise.quadratic_inverse,
        quadratic_slope,
        {"real": 2 * BINS - 1, "unit": 2 * BINS + 1},
    ),
}
CASES = [pytest.param(kind, where, id=f"{kind}-{where}") for kind in KINDS for where in INTERVALS]


@functools.cache
def program(kind, where, direction, *, gradient=False):
    """Compiled for rows of numbers and parameters."""
    function = KINDS[kind][direction]
    bound = INTERVALS[where][2]

    def run(x, params):
        parts = (params,) if kind == "linear" else (params[:BINS], params[BINS:])
        return piecewise.on_interval(function, x, *parts, bound=bound)

    if gradient:
        return jax.jit(jax.vmap(jax.grad(lambda x, p: sum(run(x, p)), (0, 1))))
    return jax.jit(jax.vmap(run))


def draw(kind, where, rows, scale, dtype=np.float64):
    random = np.random.default_rng(0)
    low, high, _ = INTERVALS[where]
    params = scale * random.normal(size=(rows, KINDS[kind][3][where]))
    return random.uniform(low, high, rows).astype(dtype), params.astype(dtype)


@pytest.mark.parametrize(("kind", "where"), CASES)
def test_it_is_the_integral_of_its_slope(kind, where):
    low, high, _ = INTERVALS[where]
    x, params = draw(kind, where, 30, 1.0)
    with jax.enable_x64(True):
        y, log_dydx = program(kind, where, 0)(x, params)
        back, log_dxdy = program(kind, where, 1)(np.asarray(y), params)
    for row in range(30):
        slope = KINDS[kind][2](params[row], low, high)
        at = np.linspace(low, high, BINS + 1)
        if kind == "quadratic":
            at = low + (high - low) * np.append(0, np.cumsum(shares(params[row][:BINS])))
        parts = [quad(slope, a, min(b, x[row]))[0] for a, b in itertools.pairwise(at) if a < x[row]]
        np.testing.assert_allclose(y[row], low + sum(parts), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(log_dydx[row], np.log(slope(x[row])), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(back, x, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(log_dxdy, -np.asarray(log_dydx), atol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 5.0])
@pytest.mark.parametrize(("kind", "where"), CASES)
def test_round_trip(kind, where, scale):
    """In float32: an error of a few roundings of the interval, and as many more as the slope explains."""
    low, high, _ = INTERVALS[where]
    x, params = draw(kind, where, 4000, scale, np.float32)
    x[:4] = np.float32([low, high, np.nextafter(np.float32(low), high), np.nextafter(np.float32(high), low)])
    for first in (0, 1):
        middle, log_slope = (np.asarray(a, np.float64) for a in program(kind, where, first)(x, params))
        back, log_back = program(kind, where, 1 - first)(middle.astype(np.float32), params)
        assert np.isfinite(log_slope).all()
        assert np.isfinite(log_back).all()
        assert middle.min() >= low
        assert middle.max() <= high
        error = np.abs(np.asarray(back) - x) / (1 + np.exp(-log_slope))
        assert error.max() < 1e-7 * (high - low)


@pytest.mark.parametrize(("kind", "where"), CASES)
def test_outside_it_is_the_identity_with_the_declared_log_slope(kind, where):
    low, high, bound = INTERVALS[where]
    x = np.float32(
        [low - 1, high + 1, np.nextafter(np.float32(high), np.float32(9)), 1e4, -1e30, np.inf, -np.inf]
    )
    params = draw(kind, where, len(x), 1.0, np.float32)[1]
    for direction in (0, 1):
        y, log_slope = program(kind, where, direction)(x, params)
        np.testing.assert_array_equal(y, x)
        np.testing.assert_array_equal(log_slope, np.full(len(x), -np.inf if bound is None else 0.0))
        missing = program(kind, where, direction)(np.full(len(x), np.nan, np.float32), params)[0]
        assert np.isnan(missing).all()


def test_the_slope_of_the_quadratic_meets_the_identity():
    step = 1e-9
    x, params = np.repeat([-BOUND + step, BOUND - step], 15), draw("quadratic", "real", 30, 2.0)[1]
    with jax.enable_x64(True):
        log_dydx = program("quadratic", "real", 0)(x, params)[1]
    np.testing.assert_allclose(log_dydx, 0, atol=1e-5)


@pytest.mark.parametrize("size", [10.0, 1e4, 1e30])
@pytest.mark.parametrize(("kind", "where"), CASES)
def test_values_and_gradients_are_finite_at_extreme_parameters(kind, where, size):
    low, high, _ = INTERVALS[where]
    x, params = draw(kind, where, 4000, 0.0, np.float32)
    random = np.random.default_rng(1)
    params += (random.choice([-1, 0, 1], params.shape) * size).astype(np.float32)
    x[: 4000 // 4] = random.choice(np.float32([low, high, (low + high) / 2, 1e30, -1e30]), 1000)
    for direction in (0, 1):
        y, log_slope = program(kind, where, direction)(x, params)
        inside = np.abs(x) < 1e30
        assert np.isfinite(y).all()
        assert np.isfinite(np.asarray(log_slope)[inside]).all()
        for gradient in program(kind, where, direction, gradient=True)(x, params):
            assert np.isfinite(gradient).all()


def test_float32_log_slopes_of_steep_bins_keep_their_digits():
    """Ends of neighbouring densities that differ a thousandfold, in bins a thousandth of the interval."""
    random = np.random.default_rng(2)
    x, params = draw("quadratic", "real", 4000, 1.0, np.float32)
    params = (random.choice([-8, 8], params.shape)).astype(np.float32)
    with jax.enable_x64(True):
        exact = np.asarray(
            program("quadratic", "real", 0)(x.astype(np.float64), params.astype(np.float64))[1]
        )
    error = np.abs(np.asarray(program("quadratic", "real", 0)(x, params)[1]) - exact)
    # Where the slope itself is steep in x, a rounding of x or of a knot is seen: hence not the largest error.
    assert np.quantile(error, 0.9) < 1e-5


def test_dtypes_are_kept():
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        for kind, where in (("linear", "real"), ("quadratic", "unit")):
            shape = jax.ShapeDtypeStruct((2, KINDS[kind][3][where]), jnp.float32)
            found = jax.eval_shape(program(kind, where, 1), jax.ShapeDtypeStruct((2,), jnp.float32), shape)
            assert [leaf.dtype for leaf in found] == [jnp.float32] * 2
