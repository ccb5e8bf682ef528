"""made: what it starts as, what it is made of, learning binary data, and what it refuses."""

import json

import equinox as eqx
import jax
import jax.random as jr
import numpy as np
import pytest
from scipy.stats import norm

import pushforward as pf
from pushforward.bijectors import Identity
from pushforward.distributions import (
    AutoregressiveEnsemble,
    AutoregressiveLaw,
    ConditionalBernoulli,
    ConditionalCategorical,
    ConditionalNormal,
)
from pushforward.errors import ConfigError
from pushforward.flows import made

SMALL = {"features": 3, "hidden": (8,)}


@pytest.mark.parametrize(("law", "values"), [("bernoulli", 2), ("categorical", 4)])
def test_it_starts_with_all_values_alike(law, values):
    flow = made(jr.key(0), law=law, values=values, **SMALL)
    np.testing.assert_allclose(
        flow.log_prob(np.array([[0, 1, 1], [1, 1, 0]])), -3 * np.log(values), rtol=1e-6
    )


def test_it_starts_as_the_standard_normal():
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_allclose(made(jr.key(0), **SMALL).log_prob(x), norm.logpdf(x).sum(axis=1), rtol=1e-5)


def test_arguments_reach_their_parts():
    options = {"activation": "tanh", "dropout": 0.25, "residual": True, "direct": True, "order": "reversed"}
    flow = jax.eval_shape(
        lambda: made(jr.key(0), features=2, context_features=3, hidden=(4, 4), bound=1.5, **options)
    )
    law, net = flow.base.law, flow.base.net
    assert (type(flow.base), flow.bijector) == (AutoregressiveLaw, Identity((2,)))
    assert law == ConditionalNormal(1.5)
    assert (net.activation, net.dropout, net.residual, net.direct) == ("tanh", 0.25, True, True)
    assert net.order.shape == (2,)
    assert flow.context_shape == (3,)
    assert json.loads(flow.recipe.arguments)["bound"] == 1.5
    laws = {
        name: jax.eval_shape(lambda n=name: made(jr.key(0), law=n, values=5, **SMALL)).base.law
        for name in ("bernoulli", "categorical")
    }
    assert laws == {"bernoulli": ConditionalBernoulli(), "categorical": ConditionalCategorical(5)}


@pytest.mark.parametrize(
    ("agnostic", "order", "connectivity"),
    [("both", True, True), ("order", True, False), ("connectivity", False, True)],
)
def test_an_ensemble_differs_in_what_it_is_told(agnostic, order, connectivity):
    flow = jax.eval_shape(
        lambda: made(jr.key(0), law="bernoulli", ensemble=4, agnostic=agnostic, fresh=True, **SMALL)
    )
    base = flow.base
    assert type(base) is AutoregressiveEnsemble
    assert (base.members, base.order, base.connectivity, base.fresh) == (4, order, connectivity, True)
    assert (base.masks.order is not None, base.masks.units is not None) == (order, connectivity)


@pytest.mark.parametrize("ensemble", [1, 3])
def test_it_learns_binary_data_and_is_stored(ensemble, tmp_path):
    """The second element is the first and the third is a coin: log 4 nats, where independent coins take log 8."""
    random = np.random.default_rng(0)
    x = random.integers(0, 2, size=(1000, 3)).astype(np.float32)
    x[:, 1] = x[:, 0]
    options = {"features": 3, "hidden": (16,), "law": "bernoulli", "direct": True, "ensemble": ensemble}
    flow = eqx.filter_jit(lambda: made(jr.key(0), **options))()
    result = pf.fit(
        flow,
        x,
        key=jr.key(1),
        max_epochs=40,
        batch_size=50,
        optimizer=pf.training.Optimizer(learning_rate=2e-2),
        progress=False,
    )
    losses = result.history.validation_loss
    assert losses[0] > np.log(4) + 0.1
    assert result.best_validation_loss < np.log(4) + 0.1
    pf.save(result.flow, tmp_path / "m.safetensors")
    loaded = pf.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(loaded.log_prob(x[:9]), result.flow.log_prob(x[:9]))
    np.testing.assert_array_equal(loaded.sample(jr.key(2), 9), result.flow.sample(jr.key(2), 9))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": 0}, "made: expected features to be a whole number of at least 1, got 0."),
        ({"ensemble": 0}, "made: expected ensemble to be a whole number of at least 1, got 0."),
        ({"hidden": 64}, "made: expected hidden to be a tuple of positive whole numbers, got 64."),
        ({"law": "poisson"}, "made: expected law normal, bernoulli, categorical, got 'poisson'."),
        ({"agnostic": "all"}, "made: expected agnostic both, order or connectivity, got 'all'."),
        (
            {"law": "categorical", "values": 1},
            "ConditionalCategorical: expected codes to be a whole number of at least 2, got 1.",
        ),
        (
            {"fresh": True},
            "made: expected an ensemble of several members with fresh=True, got ensemble=1. "
            "Give ensemble the number of members to evaluate with.",
        ),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        made(jr.key(0), **{"features": 2, **arguments})
    assert str(caught.value) == message
