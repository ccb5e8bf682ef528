"""residual_flow: the papers' layers from data to base, what a key changes, and training on a toy density."""

import json

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import pushforward as pf
from pushforward.data.toy import moons
from pushforward.errors import ConfigError
from pushforward.objectives import negative_log_likelihood

GAIN = 0.3
SIZES = {"features": 2, "layers": 2, "hidden": (8,)}


def moved(randomised, **arguments):
    return randomised(lambda: pf.flows.residual_flow(jr.key(0), **SIZES | arguments), scale=1.0)


def test_layers_are_actnorm_and_x_plus_a_contraction(randomised):
    flow = moved(randomised, context_features=1)
    x, context = np.float32([0.3, -1.0]), np.float32([0.7])
    z = x
    for index in range(2):  # from data to base, which in the inverted stack is from first to last
        norm, residual = flow.bijector.bijector.layer(index)
        z = z * np.exp(norm.log_scale) + norm.shift
        z = z + residual.net(z, context)
    np.testing.assert_allclose(flow.to_base(x, context), z, rtol=1e-5)
    np.testing.assert_allclose(flow.to_data(z, context), x, rtol=1e-4)
    assert flow.bijector.cheap == "inverse"


def test_the_density_is_the_dense_jacobians(randomised):
    flow = moved(randomised, features=3)
    x = np.float32([0.3, -1.0, 0.5])
    z, jacobian = jax.jit(lambda x: (flow.to_base(x), jax.jacfwd(flow.to_base)(x)))(x)
    expected = (
        -0.5 * np.sum(z**2) - 1.5 * np.log(2 * np.pi) + np.linalg.slogdet(np.asarray(jacobian, float))[1]
    )
    np.testing.assert_allclose(flow.log_prob(x), expected, rtol=1e-5)


def test_a_key_draws_estimates_and_no_key_none(randomised):
    flow = moved(randomised, log_det="unbiased")
    x, weights = jr.normal(jr.key(1), (16, 2)), jnp.ones(16)
    loss = jax.jit(lambda key: negative_log_likelihood(flow, x, None, weights, key))
    first, again, other = loss(jr.key(0)), loss(jr.key(0)), loss(jr.key(1))
    assert first == again != other
    np.testing.assert_allclose(
        negative_log_likelihood(flow, x, None, weights), -np.mean(flow.log_prob(x)), rtol=1e-5
    )


def test_initialize_reaches_its_norms():
    rows = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32) * [3.0, 0.1] + [5.0, -1.0]
    flow = pf.initialize(pf.flows.residual_flow(jr.key(0), **SIZES), rows)
    z = np.asarray(flow.to_base(rows))
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(z.std(0), 1, atol=1e-3)


def test_it_starts_as_its_base():
    flow = pf.flows.residual_flow(jr.key(0), **SIZES)
    x = np.float32([[0.5, -1.0], [3.0, 2.0]])
    np.testing.assert_allclose(flow.log_prob(x), flow.base.log_prob(x), rtol=1e-6)


def test_arguments_are_recorded():
    recorded = json.loads(pf.flows.residual_flow(jr.key(0), **SIZES).recipe.arguments)
    assert (recorded["lipschitz"], recorded["log_det"], recorded["activation"]) == (0.97, "auto", "lip_swish")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": 0}, "residual_flow: expected layers to be a whole number of at least 1, got 0."),
        ({"lipschitz": 1.0}, "residual_flow: expected lipschitz between 0 and 1, got 1.0."),
        (
            {"log_det": "best"},
            "residual_flow: expected log_det auto, exact, series, unbiased, got 'best'.",
        ),
        ({"terms": -1}, "residual_flow: expected terms to be a whole number of at least 1, got -1."),
        (
            {"hidden": (0,)},
            "residual_flow: expected hidden to be a tuple of positive whole numbers, got (0,).",
        ),
        ({"activation": "relu"}, "LipschitzMLP: expected activation lip_swish, elu, got 'relu'."),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(ConfigError) as caught:
        pf.flows.residual_flow(jr.key(0), **SIZES | arguments)
    assert str(caught.value) == message


@pytest.mark.slow
@pytest.mark.parametrize("log_det", ["exact", "unbiased"])
def test_training_on_moons_lowers_the_loss(log_det):
    """From the independent normal that `initialize` makes of a new flow, to GAIN nats below it on fresh rows."""
    x, fresh = (np.asarray(moons(jr.key(seed), 4000)) for seed in (0, 1))
    flow = pf.flows.residual_flow(jr.key(1), features=2, layers=4, hidden=(32, 32), log_det=log_det)
    flow = pf.initialize(flow, x)
    before = -float(np.mean(flow.log_prob(fresh)))
    optimizer = pf.Optimizer(learning_rate=3e-3)
    result = pf.fit(
        flow, x, key=jr.key(2), max_epochs=20, batch_size=128, optimizer=optimizer, progress=False
    )
    after = -float(np.mean(result.flow.log_prob(fresh)))
    assert after < before - GAIN
