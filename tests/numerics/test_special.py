import math

import jax
import numpy as np
from scipy.special import digamma

from pushforward.numerics.special import half_df_log1p, log_gamma_half_step

SMALL = [0.01, 0.05, 0.3, 0.5, 1.0, 1.5, 2.25, 4.0, 7.9, 15.0, 40.0]
DF = np.array([0.1, 0.7, 1.0, 3.0, 30.0, 1e3, 1e6])
Z = np.array([0.0, 1e-20, 1e-3, 0.15, 0.49, 0.5, 0.51, 1.0, 2.0, 15.0, 16.0, 1e3, 1e4, 1e18])


def half_step(x: float) -> float:
    """The exact value: `lgamma` for small x, a central binomial coefficient for large integers."""
    if x < 50:
        return math.lgamma(x + 0.5) - math.lgamma(x) - 0.5 * math.log(x)
    # Gamma(n + 1/2) / Gamma(n) = n sqrt(pi) binomial(2n, n) / 4^n, in exact integers.
    n = int(x)
    return math.log(n * math.comb(2 * n, n) / 4**n) + 0.5 * math.log(math.pi) - 0.5 * math.log(n)


@jax.jit
def half_step_and_slope(x):
    return jax.vmap(jax.value_and_grad(log_gamma_half_step))(x)


@jax.jit
def log1p_and_slopes(z, df):
    return jax.vmap(jax.value_and_grad(half_df_log1p, (0, 1)))(z, df)


def test_half_step_matches_loggamma():
    x = np.array([*SMALL, 100.0, 480.0])
    exact = np.array([half_step(value) for value in x])
    exact_slope = digamma(x + 0.5) - digamma(x) - 0.5 / x
    value, slope = half_step_and_slope(np.float32(x))
    np.testing.assert_allclose(value, exact, rtol=0, atol=2e-6)
    np.testing.assert_allclose(slope, exact_slope, rtol=1e-4)
    with jax.enable_x64(True):
        value, slope = half_step_and_slope(x)
    np.testing.assert_allclose(value, exact, rtol=0, atol=1e-14)
    np.testing.assert_allclose(slope, exact_slope, rtol=1e-9)


def test_half_step_goes_to_zero_with_the_right_slope():
    x = np.array([1e3, 1e4, 1e6, 1e9] * 3 + [1e3])  # as many as in the test above: one compilation
    value, slope = half_step_and_slope(np.float32(x))
    np.testing.assert_allclose(value, -1 / (8 * x) + 1 / (192 * x**3), rtol=1e-4, atol=3e-8)
    np.testing.assert_allclose(slope, 1 / (8 * x**2) - 1 / (64 * x**4), rtol=2e-4)


def test_half_df_log1p_matches_exact():
    z, df = (grid.ravel() for grid in np.meshgrid(Z, DF))
    wide = df.astype(np.longdouble)
    u = z.astype(np.longdouble) ** 2 / wide
    exact = np.float64(wide / 2 * np.log1p(u))
    # The derivative in df cancels twice, at small u even in long doubles: there its series.
    exact_slope = np.float64(
        np.where(u < 1e-5, u**2 / 4 - u**3 / 3 + 3 * u**4 / 8, (np.log1p(u) - u / (1 + u)) / 2)
    )
    value, (slope_z, slope) = log1p_and_slopes(np.float32(z), np.float32(df))
    np.testing.assert_allclose(value, exact, rtol=2e-6, atol=1e-38)
    np.testing.assert_allclose(slope_z, np.float64(z / (1 + u)), rtol=2e-6, atol=1e-38)
    np.testing.assert_allclose(slope, exact_slope, rtol=2e-5, atol=1e-37)
    with jax.enable_x64(True):
        value, (slope_z, slope) = log1p_and_slopes(z, df)
    np.testing.assert_allclose(value, exact, rtol=1e-14)
    np.testing.assert_allclose(slope, exact_slope, rtol=1e-10)


def test_half_df_log1p_has_finite_values_and_gradients():
    largest = float(np.finfo(np.float32).max)
    z, df = (grid.ravel() for grid in np.meshgrid([0, 1e-38, 1e4, 1e19, largest / 2, -largest, 1e-19], DF))
    for values in jax.tree.leaves(log1p_and_slopes(np.float32([*z, *z]), np.float32([*df, *df]))):
        assert np.all(np.isfinite(values))
