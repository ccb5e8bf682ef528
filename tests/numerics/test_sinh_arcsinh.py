"""The sinh-arcsinh transformation against its formula, and against the density of the paper."""

import jax
import numpy as np
import pytest
from scipy import integrate, stats

from pushforward.numerics.sinh_arcsinh import arcsinh, log_cosh, sinh_arcsinh, sinh_arcsinh_inverse

FORWARD, INVERSE = jax.jit(sinh_arcsinh), jax.jit(sinh_arcsinh_inverse)
X = np.concatenate([[0.0], *(sign * np.geomspace(1e-30, 1e20, 300) for sign in (1, -1))])


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-15), (np.float32, 3e-7)])
@pytest.mark.parametrize(("skewness", "log_tail"), [(0.0, 0.0), (0.7, -0.4), (-2.0, 0.5)])
def test_it_is_the_formula(skewness, log_tail, dtype, tolerance):
    arguments = X.astype(dtype), dtype(skewness), dtype(log_tail)
    x, skew, log_tail = (np.asarray(a, np.float64) for a in arguments)
    w = np.exp(log_tail) * (np.arcsinh(x) + skew)
    with jax.enable_x64(dtype == np.float64):
        y, log_dydx = (np.asarray(a) for a in FORWARD(*arguments))
        back, log_dxdy = (np.asarray(a) for a in INVERSE(y, *arguments[1:]))
    # |w| roundings of y, and a few of 1 where the skewness has been added.
    size = (1 + np.abs(w)) * np.abs(np.sinh(w)) + 3 * np.abs(skew) + np.abs(x) * (np.abs(x) < 1)
    assert (np.abs(y - np.sinh(w)) <= 4 * tolerance * size).all()
    slope = log_tail + np.logaddexp(w, -w) - np.logaddexp(np.arcsinh(x), -np.arcsinh(x))
    np.testing.assert_allclose(log_dydx, slope, rtol=100 * tolerance, atol=100 * tolerance)
    np.testing.assert_allclose(log_dxdy, -log_dydx, rtol=100 * tolerance, atol=100 * tolerance)
    np.testing.assert_allclose(back, x, rtol=400 * tolerance, atol=40 * tolerance * (1 + np.abs(skew)))


def test_a_normal_number_gets_the_papers_law():
    """Jones and Pewsey 2009, eq. 2: f(x) = delta C(x) / sqrt(2 pi (1 + x^2)) exp(-S(x)^2 / 2)."""
    epsilon, delta = 0.6, 0.8
    x = np.linspace(-20, 60, 400)
    inner = delta * np.arcsinh(x) - epsilon
    density = delta * np.cosh(inner) / np.sqrt(2 * np.pi * (1 + x**2)) * np.exp(-(np.sinh(inner) ** 2) / 2)
    with jax.enable_x64(True):
        # The paper skews inside, S = sinh(delta arcsinh(x) - epsilon); so X = sinh((arcsinh(Z) + epsilon) / delta).
        z, log_dzdx = INVERSE(x, np.float64(epsilon), np.float64(-np.log(delta)))
    found = np.exp(stats.norm.logpdf(np.asarray(z)) + np.asarray(log_dzdx))
    np.testing.assert_allclose(found, density, rtol=1e-10, atol=1e-300)
    assert abs(integrate.trapezoid(found, x) - 1) < 1e-3


def test_arcsinh():
    x = np.concatenate([X, [1e9, 1.1e9, 1e30, -1e37]]).astype(np.float32)
    value, slope = jax.jit(jax.vmap(jax.value_and_grad(arcsinh)))(x)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(value, np.arcsinh(exact), rtol=5e-7)
    np.testing.assert_allclose(slope, 1 / np.hypot(1, exact), rtol=1e-6)


def test_log_cosh():
    w = np.float32([0, -0.0, 1e-20, 0.3, -5, 88, -1e30])
    value, slope = jax.jit(jax.vmap(jax.value_and_grad(log_cosh)))(w)
    exact = w.astype(np.float64)
    np.testing.assert_allclose(value, np.logaddexp(exact, -exact) - np.log(2), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(slope, np.tanh(exact), rtol=1e-6, atol=1e-7)
