"""flowpp: couplings that take turns, with residual conditioners, and what one feature comes to."""

import jax
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Coupling, Elementwise, Invert, MixtureOfLogistics
from pushforward.errors import ConfigError
from pushforward.flows import flowpp
from pushforward.nets import ResidualMLP

SMALL = {"layers": 2, "hidden": 6, "blocks": 1, "components": 3}


def test_the_halves_take_turns():
    flow = jax.eval_shape(
        lambda: flowpp(jr.key(0), features=5, context_features=2, activation="silu", **SMALL)
    )
    first, second = flow.bijector.stacked
    for layer, known in ((first, (0, 2, 4)), (second, (1, 3))):
        assert isinstance(layer, Invert)
        assert isinstance(layer.bijector, Coupling)
        assert layer.bijector.known == known
        assert layer.bijector.map == MixtureOfLogistics(3)
        net = layer.bijector.net
        assert isinstance(net, ResidualMLP)
        assert (net.activation, len(net.inner)) == ("silu", 1)
    assert flow.bijector.cheap == "inverse"
    assert flow.context_shape == (2,)


def test_one_feature_is_a_chain_of_free_maps():
    with pytest.warns(UserWarning, match="^flowpp: ") as caught:
        flow = jax.eval_shape(lambda: flowpp(jr.key(0), features=1, **SMALL))
    assert [str(warning.message) for warning in caught] == [
        "flowpp: a coupling needs two features; for one, a chain of mixtures of logistics is built."
    ]
    assert isinstance(flow.bijector.stacked.bijector, Elementwise)


def test_it_starts_near_its_base():
    flow = flowpp(jr.key(0), features=2, **SMALL)
    x = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    assert np.abs(flow.to_base(x) - x).max() < 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": 0}, "flowpp: expected features to be a whole number of at least 1, got 0."),
        ({"hidden": (8,)}, "flowpp: expected hidden to be a whole number of at least 1, got (8,)."),
        ({"blocks": 0}, "flowpp: expected blocks to be a whole number of at least 1, got 0."),
        ({"components": 0}, "MixtureOfLogistics: expected components from 1 to 256, got 0."),
        ({"base": "uniform"}, "flowpp: expected base normal, logistic, student_t, got 'uniform'."),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        flowpp(jr.key(0), **{"features": 2, **SMALL, **arguments})
    assert str(caught.value) == message
