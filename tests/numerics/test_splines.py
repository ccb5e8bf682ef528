"""The splines against the papers' formulas in plain Python floats, and at the edges in float32."""

import bisect
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.numerics import splines
from pushforward.numerics.splines import MIN_BIN, MIN_SLOPE, through_knots, through_knots_inverse

BOUND = 5.0
BINS = 6
NEAR = np.nextafter(np.float32(BOUND), np.float32(0))
BEYOND = np.nextafter(np.float32(BOUND), np.float32(9))
EDGES = np.array(
    [*(sign * x for x in (0.0, 1e-38, 1.0, NEAR, BOUND, BEYOND, 1e4, 1e30, 1.7e38) for sign in (1, -1))],
    np.float32,
)


# The oracle: arXiv:1906.04032, section 3.1 and appendix A.1, symbol by symbol.


def paper_knots(params, bound=BOUND):
    bins = (len(params) + 1) // 3
    raw_widths, raw_heights, raw_slopes = params[:bins], params[bins : 2 * bins], params[2 * bins :]

    def ends(raw):
        weights = [math.exp(r - max(raw)) for r in raw]
        sizes = [2 * bound * (MIN_BIN + (1 - MIN_BIN * bins) * w / sum(weights)) for w in weights]
        return [-bound + math.fsum(sizes[:k]) for k in range(bins)] + [bound]

    shift = math.log(math.expm1(1 - MIN_SLOPE))
    inner = [MIN_SLOPE + max(r + shift, 0.0) + math.log1p(math.exp(-abs(r + shift))) for r in raw_slopes]
    return ends(raw_widths), ends(raw_heights), [1.0, *inner, 1.0]


def paper_forward(x, xs, ys, d):
    k = min(max(bisect.bisect_right(xs, x) - 1, 0), len(xs) - 2)
    s = (ys[k + 1] - ys[k]) / (xs[k + 1] - xs[k])
    xi = (x - xs[k]) / (xs[k + 1] - xs[k])
    denominator = s + (d[k + 1] + d[k] - 2 * s) * xi * (1 - xi)
    y = ys[k] + (ys[k + 1] - ys[k]) * (s * xi**2 + d[k] * xi * (1 - xi)) / denominator  # eq. 4
    slope = s**2 * (d[k + 1] * xi**2 + 2 * s * xi * (1 - xi) + d[k] * (1 - xi) ** 2) / denominator**2  # eq. 5
    return y, math.log(slope)


def paper_inverse(y, xs, ys, d):
    k = min(max(bisect.bisect_right(ys, y) - 1, 0), len(ys) - 2)
    s = (ys[k + 1] - ys[k]) / (xs[k + 1] - xs[k])
    mixed = (y - ys[k]) * (d[k + 1] + d[k] - 2 * s)
    a = (ys[k + 1] - ys[k]) * (s - d[k]) + mixed  # eq. 6
    b = (ys[k + 1] - ys[k]) * d[k] - mixed  # eq. 7
    c = -s * (y - ys[k])  # eq. 8
    x = xs[k] + 2 * c / (-b - math.sqrt(b**2 - 4 * a * c)) * (xs[k + 1] - xs[k])
    return x, -paper_forward(x, xs, ys, d)[1]


def with_identity_tails(formula, value, params):
    return formula(value, *paper_knots(list(params))) if abs(value) < BOUND else (value, 0.0)


def of_params(function, bins=BINS):
    """The spline as a function of x and one vector of parameters."""
    return lambda x, p: function(x, p[:bins], p[bins : 2 * bins], p[2 * bins :], bound=BOUND)


FORWARD, INVERSE = of_params(splines.rational_quadratic), of_params(splines.rational_quadratic_inverse)
DIRECTIONS = [
    pytest.param(FORWARD, paper_forward, id="forward"),
    pytest.param(INVERSE, paper_inverse, id="inverse"),
]


ROWS = 4000


def per_row(function):
    """Compile a function of (x, params) for ROWS rows; shorter batches are repeated to that length."""
    program = jax.jit(jax.vmap(function))

    @functools.wraps(function)
    def run(x, params):
        rows = np.arange(ROWS) % len(x)
        return jax.tree.map(lambda leaf: np.asarray(leaf)[: len(x)], program(x[rows], params[rows]))

    return run


@functools.cache
def values(function):
    return per_row(function)


@functools.cache
def slope_of(function):
    return per_row(jax.grad(lambda x, p: function(x, p)[0]))


@functools.cache
def gradients(function):
    return per_row(jax.grad(lambda x, p: sum(function(x, p)), (0, 1)))


@functools.cache
def grid(function):
    """Compile for many points of each parameter vector."""
    return jax.jit(jax.vmap(jax.vmap(function, (0, None))))


def draw(rows, scale, seed=0, dtype=np.float64):
    random = np.random.default_rng(seed)
    params = random.normal(size=(rows, 3 * BINS - 1)) * scale
    return random.uniform(-1.1 * BOUND, 1.1 * BOUND, rows).astype(dtype), params.astype(dtype)


@pytest.mark.parametrize(("function", "formula"), DIRECTIONS)
@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_it_is_the_papers_formula_in_float64(function, formula, scale):
    points, params = draw(400, scale)
    expected = np.array([with_identity_tails(formula, v, p) for v, p in zip(points, params, strict=True)])
    with jax.enable_x64(True):
        out, log_slope = values(function)(points, params)
    # The paper's own quadratic loses digits by cancellation, in proportion to 1 / slope.
    np.testing.assert_allclose(out, expected[:, 0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(log_slope, expected[:, 1], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("function", [splines.rational_quadratic, splines.rational_quadratic_inverse])
def test_many_bins_are_searched_in_another_way_to_the_same_end(function, monkeypatch):
    """Few bins are written out one by one; many are searched as arrays. Values and gradients are the same."""
    random = np.random.default_rng(3)
    with jax.enable_x64(True):
        params, points = jnp.asarray(random.normal(size=(40, 23))), jnp.asarray(random.uniform(-6, 6, 40))

        def both(params, points):
            value, log_slope = jax.vmap(lambda p, x: function(x, p[:8], p[8:16], p[16:], bound=BOUND))(
                params, points
            )
            return jnp.sum(jnp.sin(value) + log_slope), (value, log_slope)

        found = []
        for most in (16, 0):
            monkeypatch.setattr(splines, "_FEW_BINS", most)
            found.append(jax.value_and_grad(both, (0, 1), has_aux=True)(params, points))
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11), *found)


@pytest.mark.parametrize(("function", "formula"), DIRECTIONS)
def test_log_slopes_are_those_of_autodiff(function, formula):
    del formula
    points, params = draw(ROWS, 2.0)
    with jax.enable_x64(True):
        log_slope = values(function)(points, params)[1]
        slope = slope_of(function)(points, params)
    np.testing.assert_allclose(np.exp(log_slope), slope, rtol=1e-9)


@pytest.mark.parametrize("scale", [0.5, 2.0, 5.0])
def test_float32_round_trip(scale):
    random = np.random.default_rng(1)
    params = random.normal(size=(1000, 3 * BINS - 1)).astype(np.float32) * np.float32(scale)
    points = random.uniform(-1.1 * BOUND, 1.1 * BOUND, (1000, 350)).astype(np.float32)
    points[:, : len(EDGES)] = np.clip(EDGES, -1e4, 1e4)
    there, back = grid(FORWARD), grid(INVERSE)
    for first, second in ((there, back), (back, there)):
        middle, log_slope = (np.asarray(a) for a in first(points, params))
        found, log_back = (np.asarray(a) for a in second(middle, params))
        assert np.isfinite(middle).all()
        assert np.isfinite(log_slope).all()
        assert np.isfinite(log_back).all()
        error = np.abs(found - points) / (1 + np.exp(-log_slope.astype(np.float64)))
        assert error[np.abs(points) < BOUND].max() < 1e-6 * BOUND
        np.testing.assert_array_equal(found[np.abs(points) > BOUND], points[np.abs(points) > BOUND])


def test_parameters_zero_are_the_identity():
    x = np.linspace(-6, 6, 1001, dtype=np.float32)
    zeros = np.zeros((1001, 3 * BINS - 1), np.float32)
    for function in (FORWARD, INVERSE):
        y, log_slope = values(function)(x, zeros)
        np.testing.assert_allclose(y, x, atol=2e-6)
        np.testing.assert_allclose(log_slope, 0, atol=2e-6)


@pytest.mark.parametrize("function", [FORWARD, INVERSE])
def test_outside_it_is_exactly_the_identity(function):
    x = np.array([5, -5, BEYOND, -BEYOND, 1e4, 1e30, -1e30, np.inf, -np.inf], np.float32)
    y, log_slope = values(function)(x, draw(len(x), 3.0, dtype=np.float32)[1])
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(log_slope, np.zeros(len(x)))


@pytest.mark.parametrize("function", [FORWARD, INVERSE])
def test_nan_stays_nan(function):
    params = draw(2, 3.0, dtype=np.float32)[1]
    assert np.isnan(values(function)(np.full(2, np.nan, np.float32), params)[0]).all()


@pytest.mark.parametrize("function", [FORWARD, INVERSE])
@pytest.mark.parametrize("size", [1e4, 1e15])
def test_gradients_are_finite_at_extreme_parameters_and_points(function, size):
    random = np.random.default_rng(2)
    # Every mixture of huge, ordinary and vanishing parameters, and points on the knots that they make.
    params = (random.choice([-1, 1, 0, 1e-4, -1e-4], (ROWS, 3 * BINS - 1)) * size).astype(np.float32)
    x = random.uniform(-BOUND, BOUND, ROWS).astype(np.float32)
    x[::2] = random.choice(EDGES, ROWS // 2)
    x[1::4] = [
        paper_knots([float(v) for v in p])[i % 2][1 + i % (BINS - 1)] for i, p in enumerate(params[1::4])
    ]
    y, log_slope = values(function)(x, params)
    assert np.isfinite(y).all()
    assert np.isfinite(log_slope).all()
    for gradient in gradients(function)(x, params):
        assert np.isfinite(gradient).all()


def test_a_far_point_has_the_gradient_of_the_identity():
    by_x, by_params = gradients(FORWARD)(np.float32([1e30, -6.0]), draw(2, 3.0, dtype=np.float32)[1])
    np.testing.assert_array_equal(by_x, [1, 1])
    np.testing.assert_array_equal(by_params, np.zeros((2, 3 * BINS - 1)))


def test_the_inverse_root_is_right_for_all_ratios_of_slopes():
    """Inside one bin, with slopes from a millionth to a million times its mean slope, and r at both ends."""
    ratios = np.float32(10.0 ** np.arange(-6, 7))
    r = np.concatenate([[0, 1e-30, 1e-7, 1 - 2**-24, 1], np.linspace(0.01, 0.99, 40)]).astype(np.float32)
    grid = [a.reshape(-1) for a in np.meshgrid(r, ratios, ratios)]
    zero, one = np.zeros_like(grid[0]), np.ones_like(grid[0])
    t, log_slope = jax.jit(splines._down)(grid[0], zero, zero, one, one, *grid[1:])
    assert np.isfinite(log_slope).all()
    assert np.min(t) >= 0
    assert np.max(t) <= 1
    found = np.array(
        [
            paper_forward(float(t), [0.0, 1.0], [0.0, 1.0], [float(d0), float(d1)])[0]
            for t, d0, d1 in zip(np.asarray(t), *grid[1:], strict=True)
        ]
    )
    # t is right up to its rounding: one step of t moves r by at most the largest slope there.
    slope = np.exp(-np.asarray(log_slope, np.float64))
    assert (np.abs(found - grid[0]) <= 1e-6 + 4e-7 * slope).all()


def test_the_gradient_on_a_knot_is_the_slope_there():
    """Zeros in data lie on the middle knot of a spline at parameters zero."""
    zeros = np.zeros((1, 3 * BINS - 1), np.float32)
    for function in (FORWARD, INVERSE):
        np.testing.assert_allclose(slope_of(function)(np.zeros(1, np.float32), zeros), 1, rtol=1e-6)


def test_value_and_slope_are_continuous_at_knots_and_bounds():
    params = draw(20, 2.0)[1]
    knots = [paper_knots(list(p)) for p in params]
    step = 1e-12
    with jax.enable_x64(True):
        sides = [grid(FORWARD)(np.array([k[0] for k in knots]) + side * step, params) for side in (-1, 1)]
    for (y, log_slope), side in zip(sides, (-1, 1), strict=True):
        np.testing.assert_allclose(y, [k[1] for k in knots], atol=1e3 * step)
        wanted = np.log([k[2] for k in knots])
        # Across the knot both sides have the knot's own slope; at the bounds it is 1.
        np.testing.assert_allclose(log_slope, wanted, atol=1e-4, err_msg=str(side))


def test_float32_stays_float32_and_strong():
    for function in (FORWARD, INVERSE):
        with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
            shapes = jax.eval_shape(
                function,
                jax.ShapeDtypeStruct((), jnp.float32),
                jax.ShapeDtypeStruct((3 * BINS - 1,), jnp.float32),
            )
        assert [(leaf.dtype, leaf.weak_type) for leaf in shapes] == [(jnp.float32, False)] * 2


# Through knots.

XS = np.array([-3.0, -1.0, -0.9, 0.5, 2.0, 40.0])
YS = np.array([-2.5, -1.5, 0.2, 0.3, 1.0, 2.5])
SLOPES = np.array([0.3, 2.0, 3.0, 0.1, 0.2, 0.02])
KNOTS = (XS, YS, SLOPES)
OUTSIDE = np.array([-1e6, -50.0, -3.001, 40.001, 90.0, 1e6])


def oracle_through(x):
    for end, sign in ((0, -1), (-1, 1)):
        if sign * (x - XS[end]) > 0:
            far = 1 + SLOPES[end] * sign * (x - XS[end])
            return YS[end] + sign * math.log(far), math.log(SLOPES[end] / far)
    return paper_forward(x, list(XS), list(YS), list(SLOPES))


def test_through_knots_is_the_formula_with_logarithmic_tails():
    x = np.concatenate([np.linspace(-3, 40, 200), XS, OUTSIDE])
    expected = np.array([oracle_through(value) for value in x])
    with jax.enable_x64(True):
        y, log_slope = jax.jit(jax.vmap(through_knots, (0, None, None, None)))(x, *KNOTS)
        slope = jax.jit(jax.vmap(jax.grad(lambda x: through_knots(x, *KNOTS)[0])))(x)
    np.testing.assert_allclose(y, expected[:, 0], rtol=1e-12)
    np.testing.assert_allclose(log_slope, expected[:, 1], rtol=1e-12)
    np.testing.assert_allclose(np.exp(log_slope), slope, rtol=1e-9)


@pytest.mark.parametrize(("x64", "tolerance"), [(False, 2e-6), (True, 1e-13)])
def test_through_knots_round_trip(x64, tolerance):
    random = np.random.default_rng(3)
    x = np.concatenate([random.uniform(-3, 40, 20_000), 1e3 * random.standard_cauchy(20_000), XS])
    with jax.enable_x64(x64):
        x = x.astype(np.float64 if x64 else np.float32)
        knots = [k.astype(x.dtype) for k in KNOTS]
        y, log_slope = jax.jit(jax.vmap(through_knots, (0, None, None, None)))(x, *knots)
        found, log_back = jax.jit(jax.vmap(through_knots_inverse, (0, None, None, None)))(
            np.asarray(y), *knots
        )
    # An error of y of a few roundings is one of x of as many, divided by the slope.
    scale = 1 + np.abs(x) + 4 * np.exp(-np.asarray(log_slope, np.float64))
    assert (np.abs(np.asarray(found) - x) / scale).max() < tolerance
    assert np.abs(np.asarray(log_slope) + np.asarray(log_back)).max() < 200 * tolerance


def test_through_knots_is_continuous_with_its_slope_at_both_ends():
    step = 1e-9
    for direction, places, others, slopes in (
        (through_knots, XS, YS, SLOPES),
        (through_knots_inverse, YS, XS, 1 / SLOPES),
    ):
        around = [np.array([1 - step, 1, 1 + step]) * places[end] for end in (0, -1)]
        with jax.enable_x64(True):
            values, log_slopes = jax.jit(jax.vmap(direction, (0, None, None, None)))(
                np.concatenate(around), *KNOTS
            )
        np.testing.assert_allclose(values, np.repeat(others[[0, -1]], 3), rtol=1e-6)
        np.testing.assert_allclose(log_slopes, np.log(np.repeat(slopes[[0, -1]], 3)), atol=1e-6)


def test_through_knots_at_the_edges_of_float32():
    x = np.array([1.7e38, -1.7e38, 1e30, 0.0, 1e-38], np.float32)
    knots = [k.astype(np.float32) for k in (1e-8 * XS, YS, 1e8 * SLOPES)]

    def both(x):
        y, log_slope = through_knots(x, *knots)
        return y + log_slope, (y, log_slope)

    slope, (y, log_slope) = jax.jit(jax.vmap(jax.grad(both, has_aux=True)))(x)
    assert np.isfinite(slope).all()
    # log(1 + d s) where d s is beyond float32
    np.testing.assert_allclose(y[0], 2.5 + math.log(1.7e38) + math.log(0.02 * 1e8), rtol=1e-6)
    np.testing.assert_allclose(log_slope[0], -math.log(1.7e38), rtol=1e-6)
    special = np.float32([np.inf, -np.inf, np.nan])
    for direction in (through_knots, through_knots_inverse):
        np.testing.assert_array_equal(
            jax.jit(jax.vmap(lambda v, f=direction: f(v, *knots)[0]))(special), special
        )
