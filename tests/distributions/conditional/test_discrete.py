"""Laws of a whole number: all alike at the start, codes as a network sees them, and what they refuse."""

import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.distributions import ConditionalBernoulli, ConditionalCategorical
from pushforward.errors import ConfigError


def test_parameters_zero_make_all_values_alike():
    np.testing.assert_allclose(ConditionalBernoulli().log_prob(jnp.zeros((1, 2)), jnp.array([0.0, 1])), -np.log(2))
    np.testing.assert_allclose(
        ConditionalCategorical(5).log_prob(jnp.zeros((5, 2)), jnp.array([0.0, 4])), -np.log(5), rtol=1e-6
    )


def test_two_codes_are_a_coin():
    x, logit = jnp.array([0.0, 1.0]), jnp.array([[1.3, -0.4]])
    two = ConditionalCategorical(2).log_prob(jnp.concatenate([jnp.zeros_like(logit), logit]), x)
    np.testing.assert_allclose(two, ConditionalBernoulli().log_prob(logit, x), rtol=1e-6)


def test_networks_see_numbers_between_minus_one_and_one():
    np.testing.assert_allclose(ConditionalCategorical(5).seen(jnp.arange(5.0)), [-1, -0.5, 0, 0.5, 1])
    np.testing.assert_array_equal(ConditionalBernoulli().seen(jnp.array([0.0, 1])), [0, 1])


def test_draws_of_a_coin():
    found = ConditionalBernoulli().draw(jnp.array([[0.0, 0.0, -1e9, 1e9]]), jnp.array([[0.49, 0.5, 0.0, 0.999]]))
    np.testing.assert_array_equal(found, [1, 0, 0, 1])


@pytest.mark.parametrize("values", [1, 2.0, True])
def test_bad_values(values):
    with pytest.raises(
        ConfigError,
        match=rf"^ConditionalCategorical: expected values to be a whole number of at least 2, got {values}\.$",
    ):
        ConditionalCategorical(values)
