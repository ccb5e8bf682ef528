"""iaf: the paper's algorithm, and the direction that is fast."""

import json

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import pushforward as pf
from pushforward.bijectors.frozen import trainable


def moved(flow):
    """The flow with its parameters away from the initial ones."""
    return jax.tree.map(
        lambda leaf, yes: leaf + 0.3 * jr.normal(jr.key(leaf.size), leaf.shape) if yes else leaf,
        flow,
        trainable(flow),
    )


def test_layer_is_the_papers_algorithm():
    flow = moved(pf.flows.iaf(jr.key(0), features=3, layers=1, hidden=(8,), context_features=2))
    z, h = jnp.array([0.3, -1.0, 2.0]), jnp.array([1.0, -0.5])
    s, m = flow.bijector.layer(0)[1].net(z[::-1], h)
    gate = jax.nn.sigmoid(s + 2)
    np.testing.assert_allclose(flow.to_data(z, h), gate * z[::-1] + (1 - gate) * m, rtol=1e-5)
    assert np.asarray(flow.sample_and_log_prob(jr.key(2), (5,), h)[1]).shape == (5,)


def test_arguments_are_recorded():
    flow = pf.flows.iaf(jr.key(0), features=4, layers=3, hidden=(12,))
    assert json.loads(flow.recipe.arguments)["fast"] == "sampling"
