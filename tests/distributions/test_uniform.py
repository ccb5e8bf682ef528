import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from pushforward.bijectors.frozen import trainable
from pushforward.distributions import Uniform
from pushforward.errors import ConfigError, ShapeError


def test_log_prob_inside_on_the_edge_and_outside():
    law = Uniform([0.0, -1.0], [2.0, 3.0])
    above = np.nextafter(np.float32(3), np.float32(4))
    x = np.float32(
        [[1.0, 0.0], [0.0, -1.0], [2.0, 3.0], [2.0, above], [-1e-30, 0.0], [np.nan, 9.0], [1e38, 0.0]]
    )
    inside = -np.log(8.0)
    expected = [inside, inside, inside, -np.inf, -np.inf, np.nan, -np.inf]
    np.testing.assert_allclose(law.log_prob(x), expected, rtol=1e-6)
    gradient = jax.vmap(jax.grad(law.log_prob))(jnp.asarray(x))
    np.testing.assert_array_equal(gradient, np.zeros_like(x))


def test_widest_and_narrowest_boxes():
    largest = float(np.finfo(np.float32).max)
    wide = Uniform(-largest, largest)
    assert wide.log_prob(0.0) == pytest.approx(-np.log(2) - np.log(largest), rel=1e-6)
    assert abs(wide.sample(jax.random.key(0))) <= largest
    assert Uniform(0.0, 1e-30).log_prob(0.5e-30) == pytest.approx(30 * np.log(10), rel=1e-6)


def test_bounds_are_not_trained():
    assert not any(jax.tree.leaves(trainable(Uniform(0.0, 1.0))))


def test_moments_and_samples(check_samples):
    law = Uniform([0.0, -1.0], [2.0, 3.0])
    np.testing.assert_allclose(law.mean(), [1.0, 1.0])
    np.testing.assert_allclose(law.variance(), [4 / 12, 16 / 12], rtol=1e-6)
    check_samples(law, [scipy.stats.uniform(0, 2).cdf, scipy.stats.uniform(-1, 4).cdf])


def test_errors():
    with pytest.raises(ConfigError) as caught:
        Uniform([0.0, 1.0], 1.0)
    assert str(caught.value) == (
        "Uniform: expected low < high, got 1 of 2 pairs that are not (first at index (1,): low = 1, high "
        "= 1)."
    )
    with pytest.raises(ShapeError) as caught:
        Uniform(np.zeros(2), np.ones(3))
    assert str(caught.value) == (
        "Uniform: expected parameters whose shapes broadcast, got low of shape (2,), high of shape (3,). "
        "Give each the shape of one event, or a single number."
    )
