"""The bound of the spectral norm against NumPy's SVD, and the slope of LipSwish."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.numerics.lipschitz import lip_swish, spectral_norm_bound

RANDOM = np.random.default_rng(0)
BOUND = jax.jit(spectral_norm_bound)


def _orthogonal(n):
    return np.linalg.qr(RANDOM.normal(size=(n, n)))[0]


MATRICES = {
    "random": RANDOM.normal(size=(12, 12)),
    "wide": RANDOM.normal(size=(3, 12)),
    "tall": RANDOM.normal(size=(12, 3)),
    "orthogonal": _orthogonal(12),  # all singular values are equal: the bound is at its worst
    "rank one": np.outer(RANDOM.normal(size=12), RANDOM.normal(size=12)),  # there it has no room
    "one number": np.array([[-3.0]]),
    "two close values": _orthogonal(12)[:, :2] * [1.0, 0.999] @ _orthogonal(12)[:2],
}


@pytest.mark.parametrize("scale", [1e-30, 1e-2, 1.0, 100.0, 1e30])
@pytest.mark.parametrize("name", MATRICES)
def test_the_bound_holds_and_is_tight(name, scale):
    matrix = (scale * MATRICES[name]).astype(np.float32)
    exact = np.linalg.norm(matrix.astype(float), 2)
    room = min(matrix.shape) ** (1 / 514)
    assert exact <= float(BOUND(matrix)) <= exact * room * (1 + 1e-4)


@pytest.mark.parametrize("name", ["random", "wide", "tall"])
def test_its_gradient_is_that_of_a_schatten_norm(name):
    """In float64, with singular values pulled together so that the powers differ from those of the largest alone."""
    u, s, v = np.linalg.svd(MATRICES[name], full_matrices=False)
    s = 1 + 0.01 * s / s[0]
    matrix, order = (u * s) @ v, 514
    norm = np.sum(s**order) ** (1 / order)
    with jax.enable_x64(True):
        value, gradient = jax.jit(jax.value_and_grad(spectral_norm_bound))(matrix)
        np.testing.assert_allclose(value, norm, rtol=1e-10)
        np.testing.assert_allclose(gradient, (u * (s / norm) ** (order - 1)) @ v, rtol=1e-9, atol=1e-12)


def test_a_matrix_of_zeros():
    value, gradient = jax.value_and_grad(spectral_norm_bound)(jnp.zeros((3, 2)))
    assert value == 0
    np.testing.assert_array_equal(gradient, np.zeros((3, 2)))


def test_slopes_of_lip_swish_are_at_most_one():
    t = np.linspace(-30, 30, 200_001).astype(np.float32)
    for sharpness in (-1.0, 0.54, 20.0):
        slope = np.asarray(jax.vmap(jax.grad(lip_swish), (0, None))(t, sharpness))
        assert 0.999 < slope.max() <= 1
        assert slope.min() >= -0.1
    b = np.log1p(np.exp(0.54))
    np.testing.assert_allclose(
        lip_swish(t, jnp.float32(0.54)), t / (1 + np.exp(-b * np.float64(t))) / 1.1, rtol=1e-5
    )


def test_lip_swish_far_out_is_finite_with_its_gradients():
    for x in (1e9, -1e9, 0.0):
        for sharpness in (-1e4, 1e4):
            gradients = jax.grad(lip_swish, (0, 1))(jnp.float32(x), jnp.float32(sharpness))
            assert np.isfinite(gradients).all()
            assert np.isfinite(lip_swish(jnp.float32(x), jnp.float32(sharpness)))
