"""Bernstein polynomials against SciPy's, sums of squares against the expanded polynomial's integral."""

import jax
import numpy as np
import pytest
from numpy.polynomial import Polynomial
from scipy.interpolate import BPoly

from pushforward.numerics.polynomials import MIN_INCREMENT, MIN_SLOPE, bernstein, sum_of_squares

BOUND = 3.0
X = np.linspace(-BOUND, BOUND, 41)
RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("degree", [1, 7, 30])
def test_bernstein_matches_scipy(degree):
    raw = RANDOM.normal(size=(degree, 1))
    with jax.enable_x64(True):
        y, log_dydx = map(np.asarray, jax.jit(lambda x, p: bernstein(x, 0.4, p, bound=BOUND))(X, raw))
    softplus = np.log1p(np.exp(raw[:, 0] + np.log(np.expm1(1))))
    steps = 2 * BOUND / degree * (MIN_INCREMENT + (1 - MIN_INCREMENT) * softplus)
    coefficients = 0.4 - steps.sum() / 2 + np.concatenate([[0], np.cumsum(steps)])
    true = BPoly(coefficients[:, None], [-BOUND, BOUND])
    np.testing.assert_allclose(y, true(X), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(log_dydx, np.log(true.derivative()(X)), rtol=1e-11, atol=1e-11)
    single, _ = jax.jit(lambda x, p: bernstein(x, 0.4, p, bound=BOUND))(X, raw)
    slope = np.exp(np.max(log_dydx))
    assert np.abs(single - y).max() <= 1e-6 * BOUND * (1 + slope)


def test_bernstein_at_zero_is_the_identity():
    y, log_dydx = bernstein(X.astype(np.float32), np.float32(0), np.zeros((9, 1), np.float32), bound=BOUND)
    np.testing.assert_allclose(y, X, atol=2e-6)
    np.testing.assert_allclose(log_dydx, 0, atol=1e-6)


@pytest.mark.parametrize(("terms", "degree"), [(1, 1), (3, 4)])
def test_sum_of_squares_matches_the_expanded_integral(terms, degree):
    coefficients = RANDOM.normal(size=(terms, degree + 1))
    squares = sum(Polynomial(row) ** 2 for row in coefficients) + MIN_SLOPE
    primitive = squares.integ()
    function = jax.jit(lambda x, c: sum_of_squares(x, 0.4, c, bound=BOUND))
    with jax.enable_x64(True):
        y, log_dydx = map(np.asarray, function(X, coefficients[..., None]))
    expected = BOUND * primitive(X / BOUND)
    np.testing.assert_allclose(y - 0.4, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(log_dydx, np.log(squares(X / BOUND)), rtol=1e-11, atol=1e-11)
    single = function(X, coefficients[..., None])[0] - np.float32(0.4)
    np.testing.assert_allclose(single, expected, rtol=1e-6, atol=2e-7)
