"""Straight lines beyond an interval, and the search for the inverse, on a cubic whose inverse NumPy knows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.errors import NotConverged
from pushforward.numerics.tails import linear_tails, linear_tails_inverse

BOUND = 2.0
X = np.array([0.0, 0.5, -1.5, 2.0, -2.0, 2.5, -7.0, 1e4, -1e15, 1e30, -1.7e38], np.float32)


def cubic(p, x):
    """y = p x + x^3 / 3."""
    return p * x + x**3 / 3, jnp.log(p + x**2)


def expected(p, x):
    near = np.clip(x, -BOUND, BOUND)
    return p * near + near**3 / 3 + (p + near**2) * (x - near), np.log(p + near**2)


forward = jax.jit(lambda p, x: linear_tails(cubic, p, x, BOUND))
inverse = jax.jit(lambda p, y: linear_tails_inverse(cubic, p, y, BOUND, y))


def test_linear_tails():
    y, log_dydx = forward(0.5, X[:-1])
    with np.errstate(over="ignore"):
        true_y, true_log = expected(0.5, X[:-1].astype(np.float64))
    np.testing.assert_allclose(y, true_y, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(log_dydx, true_log, rtol=1e-5, atol=1e-6)


def test_inverse():
    with jax.enable_x64(True):
        x = X.astype(np.float64)
        y = expected(0.5, x)[0]
        found, log_dxdy = map(np.asarray, inverse(0.5, y))
    np.testing.assert_allclose(found, x, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(log_dxdy, -expected(0.5, x)[1], rtol=1e-12, atol=1e-12)
    # In float32 the largest numbers have an x, as the slope is above 1.
    x, log_dxdy = inverse(0.5, X)
    np.testing.assert_allclose(forward(0.5, x)[0], X, rtol=2e-6, atol=2e-6)
    assert np.isfinite(log_dxdy).all()


def test_an_inverse_that_overflows_is_infinite_and_no_failure():
    shallow = lambda p, x: (0.1 * p * x, jnp.full_like(x, jnp.log(0.1)))  # noqa: E731
    x, log_dxdy = jax.jit(lambda y: linear_tails_inverse(shallow, jnp.float32(1), y, BOUND, y))(
        jnp.array([1.7e38, -1.7e38, 1e37, jnp.inf, jnp.nan], jnp.float32)
    )
    np.testing.assert_allclose(x, [np.inf, -np.inf, 1e38, np.inf, np.nan], rtol=1e-5)
    np.testing.assert_allclose(log_dxdy[:3], np.log(10), rtol=1e-5)


@pytest.mark.parametrize("direction", [forward, inverse])
def test_gradients(direction):
    def total(p, v):
        out, log_slope = direction(p, v)
        return out + 0.3 * log_slope

    with jax.enable_x64(True):
        grad = jax.jit(jax.vmap(jax.grad(total, argnums=(0, 1)), in_axes=(None, 0)))
        for value in (0.7, -5.0, 9.0, 1e3):
            got = grad(0.5, np.array([value]))
            h = 1e-6
            numeric = [
                (total(0.5 + h, value) - total(0.5 - h, value)) / (2 * h),
                (total(0.5, value + h) - total(0.5, value - h)) / (2 * h),
            ]
            np.testing.assert_allclose(np.ravel(got), numeric, rtol=1e-6, atol=1e-7)
    extreme = jax.jit(jax.vmap(jax.grad(total, argnums=(0, 1)), in_axes=(None, 0)))(jnp.float32(0.5), X)
    assert all(np.isfinite(g).all() for g in extreme)


def test_a_function_that_is_nan_on_the_way_is_refused():
    with pytest.raises(NotConverged, match=r"^increasing_root: "):
        linear_tails_inverse(
            lambda p, x: (jnp.where(x > 1, jnp.nan, x), 0 * x),
            jnp.zeros(()),
            jnp.array([3.0]),
            BOUND,
            jnp.zeros(1),
        )
