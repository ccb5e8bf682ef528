"""mlp_flow: the tutorial's layers, from data to base."""

import re

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import ConfigError


def matrix_of(layer):
    return np.stack([layer.forward(e) - layer.shift for e in jnp.eye(layer.in_shape[0])], axis=1)


def test_it_is_a_perceptron_from_data_to_base(randomised):
    """Affine map and PReLU, twice, and an affine map; |det| of the matrices multiplied out by slogdet."""
    flow = randomised(lambda: pf.flows.mlp_flow(jr.key(0), features=3, layers=2, rank=2))
    stack, last = flow.bijector.bijector
    x = h = np.array([0.5, -1.0, 2.0], np.float32)
    expected = 0.0
    for index in range(2):
        affine, bend = stack.layer(index)
        matrix = matrix_of(affine)
        h = matrix @ h + affine.shift
        slopes = np.where(h >= 0, 1.0, np.exp(3 * np.tanh(bend.params[:, 0] / 3)))
        assert (slopes != 1).any()
        h = h * slopes
        expected += np.linalg.slogdet(matrix)[1] + np.log(slopes).sum()
    matrix = matrix_of(last)
    h = matrix @ h + last.shift
    expected += np.linalg.slogdet(matrix)[1]
    np.testing.assert_allclose(flow.to_base(x), h, rtol=1e-4, atol=1e-5)
    log_normal = -0.5 * (h @ h) - 1.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(flow.log_prob(x), log_normal + expected, rtol=1e-4)


def test_it_is_not_linear_after_training_moves_it(randomised):
    flow = randomised(lambda: pf.flows.mlp_flow(jr.key(0), features=2, layers=3))
    x = jnp.array([[1.0, 2.0], [-1.0, -2.0], [0.0, 0.0]])
    z = np.asarray(flow.to_base(x))
    assert np.abs(z[0] + z[1] - 2 * z[2]).max() > 0.1


def test_a_context_scales_and_shifts_every_layer(randomised):
    flow = randomised(
        lambda: pf.flows.mlp_flow(jr.key(0), features=2, layers=2, context_features=3, hidden=(4,))
    )
    z = flow.to_base(jnp.ones((2, 2)), jnp.array([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]]))
    assert np.abs(z[0] - z[1]).max() > 1e-3


def test_one_feature_and_a_rank_that_does_not_fit():
    flow = pf.flows.mlp_flow(jr.key(0), features=1, layers=1)  # the default rank is 2
    assert flow.bijector.bijector[1].vectors.shape == (1, 1)
    message = "mlp_flow: expected rank to be a whole number of at least 1, got 0."
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        pf.flows.mlp_flow(jr.key(0), features=1, rank=0)
