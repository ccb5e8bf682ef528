"""From the logistic to the normal law and back, against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_expit, log_ndtr, ndtri_exp

from pushforward.numerics.probits import BOUND, logistic_of_normal, normal_of_logistic

U = np.concatenate([np.geomspace(1e-2, 200, 200), [0.049, 0.051]])
UP, DOWN = jax.jit(normal_of_logistic), jax.jit(logistic_of_normal)


@pytest.mark.parametrize(("x64", "rtol"), [(False, 4e-6), (True, 1e-10)])
def test_matches_scipy(x64, rtol):
    u = U.astype(np.float64 if x64 else np.float32)
    with jax.enable_x64(x64):
        y, log_dydu = (np.asarray(a) for a in UP(u))
        minus = np.asarray(UP(-u)[0])
        back, log_dudy = (np.asarray(a) for a in DOWN(y))
    u = u.astype(np.float64)
    true = -ndtri_exp(log_expit(-u))
    np.testing.assert_allclose(y, true, rtol=rtol)
    np.testing.assert_array_equal(minus, -y)
    slope = log_expit(-u) + log_expit(u) + true**2 / 2 + np.log(2 * np.pi) / 2
    np.testing.assert_allclose(log_dydu, slope, atol=10 * rtol * (1 + u.max()))
    np.testing.assert_allclose(back, u, rtol=10 * rtol, atol=10 * rtol)
    np.testing.assert_allclose(log_dudy, -slope, atol=10 * rtol * (1 + u.max()))


def test_near_zero():
    u = np.array([0.0, 1e-30, 1e-6, 1e-3], np.float32)
    np.testing.assert_allclose(UP(u)[0], np.sqrt(2 * np.pi) / 4 * u, rtol=1e-6)
    np.testing.assert_allclose(
        jax.vmap(jax.grad(lambda u: normal_of_logistic(u)[0]))(u), np.sqrt(2 * np.pi) / 4, rtol=1e-6
    )


def test_the_tails_are_straight():
    y, log_dydu = UP(np.array([BOUND, 1e6, 1e30, -1e30], np.float32))
    slope = np.exp(np.float64(log_dydu[0]))
    np.testing.assert_allclose(log_dydu, log_dydu[0])
    np.testing.assert_allclose(
        y[1:], np.sign([1, 1, -1]) * (y[0] + slope * (np.array([1e6, 1e30, 1e30]) - BOUND)), rtol=1e-5
    )
    np.testing.assert_allclose(DOWN(y)[0], [BOUND, 1e6, 1e30, -1e30], rtol=1e-4)
    assert np.isnan(UP(jnp.float32(jnp.nan))[0])


def test_the_inverse_is_the_logit_of_the_distribution_function():
    y = np.linspace(-19, 19, 60)
    with jax.enable_x64(True):
        np.testing.assert_allclose(DOWN(y)[0], log_ndtr(y) - log_ndtr(-y), rtol=1e-10)
