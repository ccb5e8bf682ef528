"""Mixtures of normals over one number against scipy, quadrature and finite differences of the quantile."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import logsumexp
from scipy.stats import norm

from pushforward.numerics import normal_mixtures

LOGITS, LOCS, LOG_SCALES = np.array([0.3, -1.0, 2.0]), np.array([-2.0, 0.5, 1.0]), np.array([-0.5, 0.2, -1.5])
REACH = 3 / 8


def cdf(x, logits, locs, log_scales):
    weights = np.exp(logits - logsumexp(logits))
    return float(weights @ norm.cdf(x, locs, np.exp(log_scales)))


def spread_out(numbers, n):
    return jnp.broadcast_to(jnp.asarray(numbers, jnp.float32)[:, None], (3, n))


def test_matches_scipy():
    x = np.concatenate([np.linspace(-6, 6, 101), [1e3, -1e5]])
    expected = logsumexp(
        (LOGITS - logsumexp(LOGITS))[:, None] + norm.logpdf(x, LOCS[:, None], np.exp(LOG_SCALES)[:, None]),
        axis=0,
    )
    parameters = [spread_out(p, len(x)) for p in (LOGITS, LOCS, LOG_SCALES)]
    found = normal_mixtures.log_density(jnp.asarray(x, jnp.float32), *parameters, reach=REACH)
    assert (np.abs(found - expected) < (2 + np.abs(expected)) * 1e-6).all()


def test_integrates_to_one():
    x = np.linspace(-12, 12, 20001)
    parameters = [spread_out(p, len(x)) for p in (LOGITS, LOCS, LOG_SCALES)]
    density = np.exp(normal_mixtures.log_density(jnp.asarray(x, jnp.float32), *parameters, reach=REACH))
    assert abs(np.sum(np.float64(density)) * (x[1] - x[0]) - 1) < 1e-5


def test_gradients_and_values_at_extremes():
    x = jnp.array([0.0, 1e4, -1e15, 3e38, -3e38, jnp.inf, -jnp.inf])
    parameters = [spread_out(p, 7) for p in ([1e8, 0.0, -1e8], [0.0, 1e8, -1e8], [5.0, -5.0, 0.0])]

    def total(x, *parameters):
        value = normal_mixtures.log_density(x, *parameters, reach=REACH)
        return jnp.where(jnp.isinf(value), 0.0, value).sum()

    value = normal_mixtures.log_density(x, *parameters, reach=REACH)
    np.testing.assert_array_equal(np.isfinite(value), [True] * 5 + [False] * 2)
    assert (value[5:] == -jnp.inf).all()
    for gradient in jax.grad(total, argnums=(0, 1, 2, 3))(x, *parameters):
        assert np.isfinite(gradient).all()
    assert np.isnan(normal_mixtures.log_density(jnp.array(jnp.nan), *[p[:, 0] for p in parameters], reach=REACH))


@pytest.mark.parametrize(("u", "noise"), [(0.1, 0.3), (0.5, -1.0), (0.99, 1.5), (0.2, -2.5)])
def test_derivatives_of_draws_are_those_of_the_quantile(u, noise):
    """Against central differences of the x at which scipy's distribution function keeps its value."""
    parameters = [LOGITS, LOCS, LOG_SCALES]

    def drawn(*parameters):
        return normal_mixtures.draw(jnp.float32(u), jnp.float32(noise), *parameters)

    x = float(drawn(*[jnp.asarray(p, jnp.float32) for p in parameters]))
    level = cdf(x, *parameters)
    found = jax.grad(drawn, argnums=(0, 1, 2))(*[jnp.asarray(p, jnp.float32) for p in parameters])
    for which in range(3):
        for component in range(3):
            ends = []
            for step in (1e-4, -1e-4):
                moved = [p.copy() for p in parameters]
                moved[which][component] += step
                ends.append(brentq(lambda y, m=moved: cdf(y, *m) - level, x - 1, x + 1, xtol=1e-13))
            expected = (ends[0] - ends[1]) / 2e-4
            np.testing.assert_allclose(found[which][component], expected, rtol=2e-4, atol=2e-5)


def test_spread_is_nearly_normal():
    for components in (1, 2, 10):
        means, log_scale = normal_mixtures.spread(components)
        assert len(means) == components
        np.testing.assert_allclose(np.mean(np.square(means)) + np.exp(2 * log_scale), 1)
    x = np.linspace(-2, 2, 41)
    log_density = logsumexp(norm.logpdf(x, np.array(means)[:, None], np.exp(log_scale)), axis=0) - np.log(10)
    gap = np.abs(log_density - norm.logpdf(x)).max()
    assert 1e-4 < gap < 0.05
