"""Normal laws of an element: at the start, within bounds, and what they refuse."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.stats import norm

from pushforward.distributions import ConditionalMixture, ConditionalNormal
from pushforward.errors import ConfigError

X = np.linspace(-3, 3, 7)


def test_parameters_zero_are_the_standard_normal():
    np.testing.assert_allclose(ConditionalNormal().log_prob(jnp.zeros((2, 7)), X), norm.logpdf(X), rtol=1e-6)
    one = ConditionalMixture(1).log_prob(jnp.zeros((3, 7)), X)
    np.testing.assert_allclose(one, norm.logpdf(X), rtol=1e-6)


def test_normal_is_scipys():
    raw, mean = np.array([-2.0, 0.0, 1e6]), np.array([0.5, -1.0, 2.0])
    scale = np.exp(2 * np.tanh(raw / 2))
    found = ConditionalNormal(2.0).log_prob(jnp.asarray([raw, mean]), jnp.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(found, norm.logpdf([1.0, 2.0, 3.0], mean, scale), rtol=1e-5)


def test_a_mixture_of_one_is_the_normal():
    params = jnp.asarray([[0.7], [0.4], [-1.3]])  # logit, mean, raw log-scale
    x = jnp.array([0.9])
    np.testing.assert_allclose(
        ConditionalMixture(1).log_prob(params, x),
        ConditionalNormal().log_prob(params[jnp.array([2, 1])], x),
        rtol=1e-6,
    )


def test_draws_are_the_noise_moved():
    noise = jnp.array([[1.5]])
    found = ConditionalNormal().draw(jnp.array([[0.3], [2.0]]), noise)
    np.testing.assert_allclose(found, 2 + np.exp(5 * np.tanh(0.06)) * 1.5, rtol=1e-6)
    assert ConditionalNormal().noise(jr.key(0), (4,), jnp.float32).shape == (4, 1)
    assert ConditionalMixture().noise(jr.key(0), (4,), jnp.float32).shape == (4, 2)


@pytest.mark.parametrize("law", [ConditionalNormal, ConditionalMixture])
def test_bad_bounds(law):
    with pytest.raises(ConfigError, match=rf"^{law.__name__}: expected a finite bound above 0, got 0\.$"):
        law(bound=0)


def test_bad_components():
    with pytest.raises(
        ConfigError,
        match=r"^ConditionalMixture: expected components to be a whole number of at least 1, got 2\.5\.$",
    ):
        ConditionalMixture(2.5)
