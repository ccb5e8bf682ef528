"""iresnet: residual_flow's layers with the paper's choices; training within the bound of its truncated series."""

import json

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import ConfigError
from pushforward.numerics.log_det import truncation_bound
from pushforward.objectives import negative_log_likelihood

SIZES = {"features": 2, "layers": 2, "hidden": (8,)}


def test_it_is_the_residual_flow_of_its_arguments(randomised):
    chosen = {"activation": "elu", "lipschitz": 0.9, "log_det": "series"}
    one, other = (
        randomised(lambda r=recipe, a=arguments: r(jr.key(0), **SIZES, **a))
        for recipe, arguments in ((pf.flows.iresnet, {}), (pf.flows.residual_flow, chosen))
    )
    x = np.float32([[0.3, -1.0], [2.0, 0.1]])
    np.testing.assert_array_equal(one.log_prob(x), other.log_prob(x))
    assert json.loads(one.recipe.arguments)["log_det"] == "series"
    assert one.bijector.bijector.layer(0)[1].terms == 20


@pytest.mark.parametrize("terms", [1, 3])
def test_the_training_loss_is_within_the_truncation_bound(randomised, terms):
    """The mean over 3000 keys; its error is another 5.5 standard errors at most, but for a probability of 4e-8."""
    flow = randomised(lambda: pf.flows.iresnet(jr.key(0), **SIZES, terms=terms, lipschitz=0.7), scale=2.0)
    x = jnp.array([[0.3, -1.0]])
    loss = jax.jit(jax.vmap(lambda key: negative_log_likelihood(flow, x, None, jnp.ones(1), key)))
    losses = np.asarray(loss(jr.split(jr.key(0), 3000)), float)
    error = 5.5 * losses.std() / 3000**0.5
    gap = abs(losses.mean() + float(flow.log_prob(x)[0]))
    assert gap <= 2 * truncation_bound(2, 0.7, terms) + error
    assert error < 0.1


def test_arguments_that_do_not_fit():
    with pytest.raises(ConfigError) as caught:
        pf.flows.iresnet(jr.key(0), **SIZES, log_det="none")
    assert str(caught.value) == "iresnet: expected log_det auto, exact, series, unbiased, got 'none'."
