"""Clenshaw and Curtis's rule against exact integrals; the integral's error and its two derivatives."""

import jax
import numpy as np
import pytest

from pushforward.numerics.integrals import clenshaw_curtis, integral, log_integrand

RANDOM = np.random.default_rng(0)
UNITS, BOUND = 8, 5.0
LEGENDRE = np.polynomial.legendre.leggauss(200)


def worst(trials):
    """Parameters at the bounds that the accuracy is stated for: steep, and with heights that sum up to 4."""
    steepness = 2.0 * RANDOM.choice([-1, 1], size=(UNITS, trials))
    centres = RANDOM.uniform(-BOUND, BOUND, size=(UNITS, trials))
    heights = RANDOM.normal(size=(UNITS, trials))
    return steepness, centres, 4 * heights / np.abs(heights).sum(axis=0)


def exact(x, steepness, centres, heights):
    nodes, weights = LEGENDRE
    t = x * (1 + nodes[:, None]) / 2
    values = np.exp((heights[:, None] * np.tanh(steepness[:, None] * (t - centres[:, None]))).sum(axis=0))
    return x / 2 * (weights @ values)


@pytest.mark.parametrize("nodes", [3, 9, 33])
def test_clenshaw_curtis_is_exact_for_polynomials(nodes):
    places, weights = (np.array(a) for a in clenshaw_curtis(nodes))
    assert (weights > 0).all()
    assert (places[0], places[-1]) == (0, 1)
    for power in range(nodes):
        np.testing.assert_allclose(weights @ places**power, 1 / (power + 1), rtol=1e-13)
    if nodes == 3:
        assert abs(weights @ places**4 - 1 / 5) > 1e-3


def test_error_of_the_rule():
    parameters = worst(300)
    x = RANDOM.choice([-BOUND, BOUND], size=300)
    with jax.enable_x64(True):
        value = np.asarray(jax.jit(integral, static_argnums=4)(x, *parameters, 33))
        rough = np.asarray(jax.jit(integral, static_argnums=4)(x, *parameters, 9))
    true = exact(x, *parameters)
    assert np.abs(value / true - 1).max() < 1e-5
    assert np.abs(rough / true - 1).max() > 1e-3


def test_derivatives():
    steepness, centres, heights = (p[:, 0] for p in worst(1))
    with jax.enable_x64(True):
        slopes = jax.jit(jax.grad(integral, argnums=(0, 3)), static_argnums=4)(
            2.0, steepness, centres, heights, 33
        )
        g = np.exp(log_integrand(2.0, steepness, centres, heights))
    assert slopes[0] == g
    step = 1e-6 * np.eye(UNITS)[2]
    ends = [
        exact(np.array([2.0]), *(p[:, None] for p in (steepness, centres, heights + s)))
        for s in (step, -step)
    ]
    np.testing.assert_allclose(slopes[1][2], (ends[0] - ends[1])[0] / 2e-6, rtol=1e-4)
