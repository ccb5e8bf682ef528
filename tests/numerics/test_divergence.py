import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.numerics.divergence import draw_probe, estimated, exact

A = np.random.default_rng(0).normal(size=(4, 4))
X = np.random.default_rng(1).normal(size=4)


def field(x):
    return jnp.tanh(jnp.asarray(A, x.dtype) @ x.reshape(-1)).reshape(x.shape)


def _jacobian():
    """The derivative of tanh(A x) by hand, in NumPy."""
    return (1 - np.tanh(A @ X) ** 2)[:, None] * A


@pytest.mark.parametrize("shape", [(4,), (2, 2)])
def test_exact_is_that_of_the_jacobian(shape):
    with jax.enable_x64(True):
        local = exact(field, jnp.asarray(X.reshape(shape)))
    np.testing.assert_allclose(local.value, np.tanh(A @ X).reshape(shape), rtol=1e-14)
    np.testing.assert_allclose(local.divergence, np.trace(_jacobian()), rtol=1e-13)
    np.testing.assert_allclose(local.squared_norm, np.sum(_jacobian() ** 2), rtol=1e-13)


@pytest.mark.parametrize("law", ["rademacher", "normal"])
def test_estimates_are_unbiased(law):
    """Means and variances of 4096 probes; the variance as the docstring has it."""
    with jax.enable_x64(True):
        x = jnp.asarray(X)

        @jax.jit
        def many(keys):
            return jax.vmap(lambda key: estimated(field, x, draw_probe(key, x, law)))(keys)

        local = jax.tree.map(np.asarray, many(jr.split(jr.key(0), 4096)))
    jacobian = _jacobian()
    symmetric = (jacobian + jacobian.T) / 2
    variance = 2 * (np.sum(symmetric**2) - (np.sum(np.diag(symmetric) ** 2) if law == "rademacher" else 0))
    np.testing.assert_allclose(local.value, np.broadcast_to(np.tanh(A @ X), (4096, 4)), rtol=1e-14)
    # Five standard errors: false failures below 1e-6.
    error = local.divergence.mean() - np.trace(jacobian)
    assert abs(error) < 5 * np.sqrt(variance / 4096)
    np.testing.assert_allclose(local.divergence.var(), variance, rtol=0.25)
    spread = local.squared_norm.std() / np.sqrt(4096)
    assert abs(local.squared_norm.mean() - np.sum(jacobian**2)) < 5 * spread


def test_probes():
    signs = np.asarray(draw_probe(jr.key(0), jnp.zeros((3, 4)), "rademacher"))
    assert signs.dtype == np.float32
    assert sorted(set(signs.reshape(-1).tolist())) == [-1.0, 1.0]
    assert draw_probe(jr.key(0), jnp.zeros(5), "normal").shape == (5,)
