import warnings

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import LU, Autoregressive, Coupling, Invert, Permute, Reverse
from pushforward.distributions import StandardNormal, StudentT
from pushforward.errors import ConfigError
from pushforward.flows import nsf

SMALL = {"layers": 2, "hidden": (4,), "bins": 4}
X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


def kinds(**arguments):
    flow = jax.eval_shape(lambda: nsf(jr.key(0), features=3, **SMALL, **arguments))
    assert isinstance(flow.bijector.stacked, Invert)
    return [type(part) for part in flow.bijector.stacked.bijector]


@pytest.mark.parametrize("base", ["normal", "student_t"])
def test_it_starts_as_its_base_up_to_permutations(base):
    flow = nsf(jr.key(0), features=3, base=base, **SMALL)
    np.testing.assert_allclose(np.sort(flow.to_base(X)), np.sort(X), atol=1e-5)
    law = StandardNormal((3,)) if base == "normal" else StudentT(np.full(3, 8.0))
    np.testing.assert_allclose(flow.log_prob(X), law.log_prob(X), rtol=1e-5)


def test_each_layer_mixes_and_then_maps_towards_the_base():
    assert kinds() == [Permute, LU, Coupling]
    assert kinds(mixing="permutation") == [Permute, Coupling]
    assert kinds(mixing="reverse") == [Reverse, Coupling]
    assert kinds(autoregressive=True) == [Permute, LU, Autoregressive]


def test_every_layer_has_its_own_permutation():
    layers = nsf(jr.key(0), features=20, layers=3, hidden=(), bins=2, mixing="permutation").layers()
    orders = [tuple(np.asarray(layer.bijector[0].order)) for layer in layers]
    assert len(set(orders)) == 3
    assert all(sorted(order) == list(range(20)) for order in orders)


def test_density_and_samples_agree(randomised):
    flow = randomised(lambda: nsf(jr.key(0), features=3, **SMALL))
    x, log_prob = flow.sample_and_log_prob(jr.key(1), 64)
    np.testing.assert_allclose(flow.log_prob(x), log_prob, rtol=1e-3, atol=1e-3)
    assert np.abs(flow.to_base(x) - x).max() > 0.1


def test_fast_turns_the_same_layers_round(randomised):
    density, sampling = (
        randomised(lambda fast=fast: nsf(jr.key(0), features=3, autoregressive=True, fast=fast, **SMALL))
        for fast in ("density", "sampling")
    )
    assert (density.bijector.cheap, sampling.bijector.cheap) == ("inverse", "forward")
    x = jnp.array([0.3, -1.0, 2.0])
    there = density.bijector.layer(0).inverse(x)
    np.testing.assert_allclose(there, sampling.bijector.layer(0).forward(x), rtol=1e-6)


@pytest.mark.parametrize("autoregressive", [False, True])
def test_the_context_conditions_it(randomised, autoregressive):
    flow = randomised(
        lambda: nsf(jr.key(0), features=3, context_features=2, autoregressive=autoregressive, **SMALL)
    )
    log_probs = flow.log_prob(X[0], np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    assert len(np.unique(np.round(log_probs, 4))) == 3


def test_one_feature_is_a_chain_of_splines_and_affine_maps(randomised):
    with pytest.warns(UserWarning, match="^nsf: ") as caught:
        flow = nsf(jr.key(0), features=1, **SMALL)
    assert [str(warning.message) for warning in caught] == [
        "nsf: a coupling needs two features; for one, a chain of splines and affine maps is built."
    ]
    assert caught[0].filename == __file__
    np.testing.assert_allclose(flow.to_base(X[:, :1]), X[:, :1], atol=1e-5)


def test_one_feature_with_a_context_is_coupled_to_it(randomised):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flow = randomised(lambda: nsf(jr.key(0), features=1, context_features=2, **SMALL))
    z = flow.to_base(jnp.ones(1), np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    assert len(np.unique(np.round(z, 4))) == 3


def test_arguments_reach_their_parts():
    arguments = {
        "bins": 5,
        "bound": 3.0,
        "activation": "silu",
        "dropout": 0.25,
        "hidden": (4, 6),
        "layers": 3,
    }
    for autoregressive, inputs, outputs in ((False, 2, 3 * 14), (True, 5, 5 * 14)):
        flow = jax.eval_shape(
            lambda kind=autoregressive: nsf(jr.key(0), features=5, autoregressive=kind, **arguments)
        )
        layer = flow.bijector.stacked.bijector[-1]
        assert (layer.map.bins, layer.map.bound, flow.bijector.depth) == (5, 3.0, 3)
        assert (layer.net.activation, layer.net.dropout) == ("silu", 0.25)
        # With a first axis for the layers of the stack.
        shapes = [linear.weight.shape for linear in layer.net.layers]
        assert shapes == [(3, 4, inputs), (3, 6, 4), (3, outputs, 6)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"autoregressive": True, "memory": "constant"},
            "nsf: expected memory store with autoregressive layers, whose inverse is slow, got constant.",
        ),
        ({"memory": "little"}, "nsf: expected memory store or constant, got 'little'."),
        ({"features": 1.5}, "nsf: expected features to be a whole number of at least 1, got 1.5."),
        ({"layers": True}, "nsf: expected layers to be a whole number of at least 1, got True."),
        ({"bins": 1}, "RationalQuadraticSpline: expected 2 to 512 bins, got 1."),
        ({"bound": -1.0}, "RationalQuadraticSpline: expected a finite bound above 0, got -1.0."),
        ({"mixing": "qr"}, "nsf: expected mixing lu, permutation or reverse, got 'qr'."),
        ({"base": "uniform"}, "nsf: expected base normal, logistic, student_t, got 'uniform'."),
        ({"hidden": (4, -1)}, "nsf: expected hidden to be a tuple of positive whole numbers, got (4, -1)."),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        nsf(jr.key(0), **{"features": 2, **SMALL, **arguments})
    assert str(caught.value) == message
