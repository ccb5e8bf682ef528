"""The potentials against the table of the paper in NumPy, and their normalisers by quadrature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.data import POTENTIALS
from pushforward.data.potentials import u1, u2, u3, u4


def _table(name, x):
    """Table 1 of arXiv:1505.05770, row by row."""
    a, b = x[..., 0], x[..., 1]
    w1 = np.sin(2 * np.pi * a / 4)
    w2 = 3 * np.exp(-0.5 * ((a - 1) / 0.6) ** 2)
    w3 = 3 / (1 + np.exp(-(a - 1) / 0.3))
    if name == "u1":
        ring = 0.5 * ((np.hypot(a, b) - 2) / 0.4) ** 2
        return ring - np.log(np.exp(-0.5 * ((a - 2) / 0.6) ** 2) + np.exp(-0.5 * ((a + 2) / 0.6) ** 2))
    if name == "u2":
        return 0.5 * ((b - w1) / 0.4) ** 2
    if name == "u3":
        return -np.log(np.exp(-0.5 * ((b - w1) / 0.35) ** 2) + np.exp(-0.5 * ((b - w1 + w2) / 0.35) ** 2))
    return -np.log(np.exp(-0.5 * ((b - w1) / 0.4) ** 2) + np.exp(-0.5 * ((b - w1 + w3) / 0.35) ** 2))


@pytest.mark.parametrize(("name", "energy"), [("u1", u1), ("u2", u2), ("u3", u3), ("u4", u4)])
def test_the_table_of_the_paper(name, energy):
    x = np.random.default_rng(0).uniform(-3, 3, size=(200, 2))
    with jax.enable_x64(True):
        np.testing.assert_allclose(energy(jnp.asarray(x)), _table(name, x), rtol=1e-10)
        np.testing.assert_allclose(POTENTIALS[name].log_density(jnp.asarray(x)), -_table(name, x), rtol=1e-10)


@pytest.mark.parametrize("name", POTENTIALS)
def test_normalisers(name):
    """By the trapezoidal rule, which converges fast as the densities vanish at the ends."""
    across, step = np.linspace(-8, 8, 1601, retstep=True)
    points = np.stack(np.meshgrid(across, across, indexing="ij"), axis=-1)
    with jax.enable_x64(True):
        mass = np.exp(np.asarray(jax.jit(POTENTIALS[name].log_density)(points))).sum() * step**2
    assert np.log(mass) == pytest.approx(POTENTIALS[name].log_normalizer, abs=2e-6)


@pytest.mark.parametrize("name", POTENTIALS)
def test_values_and_gradients_are_finite_everywhere(name):
    x = jnp.array([[0.0, 0.0], [1e15, -1e15], [-1e8, 1e-30], [4.0, 0.0], [-4.0, 1e10], [1.0, -3.0]])
    values, gradients = jax.jit(jax.vmap(jax.value_and_grad(POTENTIALS[name].log_density)))(x)
    assert np.all(np.isfinite(values))
    assert np.all(np.isfinite(gradients))
