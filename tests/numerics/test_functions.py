"""Named functions against SciPy, deep into their tails."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from pushforward.numerics import functions

WHOLE = np.concatenate([[0.0], *(sign * np.geomspace(1e-30, 80, 200) for sign in (1, -1))])
POSITIVE = np.concatenate([np.geomspace(1e-37, 1e30, 400), [np.log(2), 1.0]])
UNIT = np.concatenate([np.geomspace(1e-37, 0.5, 200), 1 - np.geomspace(1e-7, 0.5, 100)])
_SIGNED = np.concatenate([np.geomspace(1e-30, 0.9, 60), 1 - np.geomspace(1e-7, 0.1, 60)])
SIGNED = np.concatenate([[0.0], _SIGNED, -_SIGNED])


def log_1m_exp(y):
    """log(1 - exp(-y)) by two formulas that SciPy has in full precision."""
    return np.where(y > 1, np.log1p(-np.exp(-np.maximum(y, 1))), np.log(-np.expm1(-y)))


def quantile(y):
    return special.ndtri(y)


# name: (function, points, value, log-derivative)
CASES = {
    "exp": (functions.exp, WHOLE, np.exp, lambda x: x),
    "log": (functions.log, POSITIVE, np.log, lambda x: -np.log(x)),
    "softplus": (
        functions.softplus,
        WHOLE,
        lambda x: np.where(x > 0, x, 0) + np.log1p(np.exp(-np.abs(x))),
        special.log_expit,
    ),
    "softplus_inverse": (
        functions.softplus_inverse,
        POSITIVE,
        lambda y: y + log_1m_exp(y),
        lambda y: -log_1m_exp(y),
    ),
    "sigmoid": (
        functions.sigmoid,
        WHOLE,
        special.expit,
        lambda x: special.log_expit(x) + special.log_expit(-x),
    ),
    "logit": (functions.logit, UNIT, special.logit, lambda y: -np.log(y) - np.log1p(-y)),
    "tanh": (functions.tanh, WHOLE, np.tanh, lambda x: -2 * np.logaddexp(x, -x) + 2 * np.log(2)),
    "arctanh": (functions.arctanh, SIGNED, np.arctanh, lambda y: -np.log((1 - y) * (1 + y))),
    "power": (
        functools.partial(functions.power, exponent=-0.7),
        POSITIVE,
        lambda x: x**-0.7,
        lambda x: np.log(0.7) - 1.7 * np.log(x),
    ),
    "normal_cdf": (functions.normal_cdf, WHOLE[np.abs(WHOLE) < 12], stats.norm.cdf, stats.norm.logpdf),
    "normal_quantile": (functions.normal_quantile, UNIT, quantile, lambda y: -stats.norm.logpdf(quantile(y))),
}
DOMAINS = {
    "log": (0.0, np.inf),
    "softplus_inverse": (0.0, np.inf),
    "logit": (0.0, 1.0),
    "arctanh": (-1.0, 1.0),
    "power": (0.0, np.inf),
    "normal_quantile": (0.0, 1.0),
}


@functools.cache
def compiled(name):
    return jax.jit(CASES[name][0])


@functools.cache
def gradients(name):
    function = CASES[name][0]
    both = jax.vmap(jax.grad(lambda x: function(x)[0])), jax.vmap(jax.grad(lambda x: function(x)[1]))
    return jax.jit(lambda x: [part(x) for part in both])


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 2e-14), (np.float32, 4e-6)])
@pytest.mark.parametrize("name", CASES)
def test_against_scipy(name, dtype, tolerance):
    _, points, value, log_derivative = CASES[name]
    x = points.astype(dtype)
    exact = x.astype(np.float64)
    with jax.enable_x64(dtype == np.float64):
        y, log_dydx = (np.asarray(a, np.float64) for a in compiled(name)(x))
    with np.errstate(all="ignore"):
        expected = value(exact)
    # Relative errors, so in the lower tails too; numbers that float32 cannot hold are zero or infinite there.
    holds = (np.abs(expected) > np.finfo(dtype).tiny) & (np.abs(expected) < np.finfo(dtype).max)
    assert holds.mean() > 0.7
    # Around a zero of a difference the error is one of the numbers that cancel, which are of size 1; exponentials carry
    # on the rounding of numbers up to 80.
    size = np.abs(expected) + (name in ("log", "softplus_inverse", "logit") or expected == 0)
    steep = name in ("exp", "sigmoid", "power", "softplus", "normal_cdf")
    assert (np.abs(y - expected) / size)[holds].max() < tolerance * (30 if steep else 1)
    slope = log_derivative(exact)
    np.testing.assert_allclose(log_dydx, slope, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_log_derivatives_and_gradients_are_those_of_differences(name):
    _, _, value, log_derivative = CASES[name]
    low, high = DOMAINS.get(name, (-3.0, 3.0))
    x = np.linspace(low + 0.05, min(high, 3.0) - 0.05, 30)
    with jax.enable_x64(True):
        found = gradients(name)(x)
        log_dydx = np.asarray(compiled(name)(x)[1])
    step = 1e-5
    for gradient, function in zip(found, (value, log_derivative), strict=True):
        numeric = (function(x + step) - function(x - step)) / (2 * step)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(np.exp(log_dydx), np.abs(found[0]), rtol=1e-12)


@pytest.mark.parametrize("name", DOMAINS)
def test_outside_the_argument_comes_back_with_a_density_of_zero(name):
    low, high = DOMAINS[name]
    outside = np.float32(
        [low, low - 1e-3, -1e30, -np.inf, *([high, high + 1e-3, 1e30] if np.isfinite(high) else [])]
    )
    y, log_dydx = compiled(name)(outside)
    np.testing.assert_array_equal(y, outside)
    np.testing.assert_array_equal(log_dydx, np.full(len(outside), -np.inf))
    np.testing.assert_array_equal(gradients(name)(outside)[0], np.ones(len(outside)))


@pytest.mark.parametrize("name", CASES)
def test_nan_stays_nan(name):
    assert np.isnan(compiled(name)(np.float32([np.nan]))[0]).all()


def test_the_log_derivative_of_exp_is_its_argument():
    y, log_dydx = functions.exp(np.float32([-1e4, -1e30]))
    np.testing.assert_array_equal(y, [0, 0])
    np.testing.assert_array_equal(log_dydx, np.float32([-1e4, -1e30]))


@pytest.mark.parametrize("name", ["softplus", "sigmoid", "tanh", "normal_cdf"])
def test_the_log_derivative_outlives_the_value(name):
    """At the ends of float32 the value is 0 or 1 to the bit, and the log-derivative a number."""
    x = np.float32([1.7e38, -1.7e38, 1e15, -1e15, 1e4, -1e4, 0.0, -0.0])
    for values in (compiled(name)(x), gradients(name)(x)):
        for part in values:
            assert np.isfinite(part).all()
    expected = {"softplus": 0, "sigmoid": -1e4, "tanh": -2e4 + 2 * np.log(2), "normal_cdf": -5e7}[name]
    np.testing.assert_allclose(compiled(name)(x)[1][4], expected, rtol=1e-6)


def test_leaky():
    x = np.float32([-1.7e38, -2, -0.0, 0.0, 3, 1.7e38])
    y, log_dydx = functions.leaky(x, jnp.float32(np.log(0.5)))
    np.testing.assert_allclose(y, [-0.85e38, -1, 0, 0, 3, 1.7e38], rtol=1e-6)
    np.testing.assert_allclose(log_dydx, [np.log(0.5)] * 2 + [0] * 4, rtol=1e-6)
    by_slope = jax.vmap(jax.grad(lambda s, x: sum(functions.leaky(x, s))), (None, 0))(jnp.float32(3.0), x[1:])
    np.testing.assert_allclose(by_slope, [1 - 2 * np.exp(3), 0, 0, 0, 0], rtol=1e-6)
