import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Affine, BatchNorm
from pushforward.distributions import StandardNormal
from pushforward.errors import ConfigError
from pushforward.flows import realnvp

SMALL = {"layers": 3, "hidden": (4,)}
X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


@pytest.mark.parametrize("scale", ["exp", "softplus"])
def test_it_starts_as_the_standard_normal(scale):
    flow = realnvp(jr.key(0), features=3, scale=scale, **SMALL)
    np.testing.assert_allclose(flow.to_base(X), X, rtol=1e-6)
    np.testing.assert_allclose(flow.log_prob(X), StandardNormal((3,)).log_prob(X), rtol=1e-6)


def test_couplings_alternate_and_map_towards_the_base(randomised):
    """z_b = x_b s(x_a) + t(x_a) with a the even elements: arXiv:1605.08803, eq. 4, from data to base."""
    flow = randomised(lambda: realnvp(jr.key(0), features=3, layers=1, hidden=(4,)))
    coupling = flow.bijector.bijector
    raw = jax.vmap(coupling.net)(X[:, [0, 2]])
    log_scale = 3 * np.tanh(raw[:, 0] / 3)
    expected = X.copy()
    expected[:, 1] = X[:, 1] * np.exp(log_scale) + raw[:, 1]
    np.testing.assert_allclose(flow.to_base(X), expected, rtol=1e-4, atol=1e-5)
    normal = StandardNormal((3,)).log_prob(expected)
    np.testing.assert_allclose(flow.log_prob(X), normal + log_scale, rtol=1e-4)


def test_an_odd_number_of_layers_is_complete():
    flow = jax.eval_shape(lambda: realnvp(jr.key(0), features=3, **SMALL))
    assert [layer.bijector.known for layer in flow.bijector[0].stacked] == [(0, 2), (1,)]
    assert flow.bijector[0].depth == 1
    assert flow.bijector[1].bijector.known == (0, 2)


def test_batch_norm_follows_each_coupling_towards_the_base():
    flow = realnvp(jr.key(0), features=3, batch_norm=True, **SMALL)
    plain = realnvp(jr.key(0), features=3, **SMALL)
    for layer, other in zip(
        [*flow.bijector[0].layer(0), flow.bijector[1]],
        [*plain.bijector[0].layer(0), plain.bijector[1]],
        strict=True,
    ):
        assert eqx.tree_equal(layer[0], BatchNorm((3,)))
        assert eqx.tree_equal(layer[1], other)
    with pytest.warns(UserWarning, match="^realnvp: a coupling needs two features"):
        one = realnvp(jr.key(0), features=1, batch_norm=True)
    assert eqx.tree_equal(one.bijector[0], BatchNorm((1,)))


def test_the_context_conditions_it(randomised):
    flow = randomised(lambda: realnvp(jr.key(0), features=3, context_features=2, **SMALL))
    log_probs = flow.log_prob(X[0], np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    assert len(np.unique(np.round(log_probs, 4))) == 3


def test_one_feature_is_a_gaussian(randomised):
    with pytest.warns(UserWarning, match="^realnvp: ") as caught:
        flow = realnvp(jr.key(0), features=1)
    assert [str(warning.message) for warning in caught] == [
        "realnvp: a coupling needs two features; for one, a shift with a scale, so a Gaussian, is built."
    ]
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(flow.to_base(X[:, :1]), X[:, :1])


def test_one_feature_with_a_context_is_coupled_to_it(randomised):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flow = randomised(lambda: realnvp(jr.key(0), features=1, context_features=2, **SMALL))
    z = flow.to_base(jnp.ones(1), np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    assert len(np.unique(np.round(z, 4))) == 3


def test_arguments_reach_their_parts():
    arguments = {"scale": "sigmoid", "bound": 1.5, "activation": "tanh", "dropout": 0.25, "hidden": (4, 3)}
    flow = jax.eval_shape(lambda: realnvp(jr.key(0), features=2, layers=1, **arguments))
    coupling = flow.bijector.bijector
    assert coupling.map == Affine("sigmoid", bound=1.5)
    assert (coupling.net.activation, coupling.net.dropout) == ("tanh", 0.25)
    assert [layer.weight.shape for layer in coupling.net.layers] == [(4, 1), (3, 4), (2, 3)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"memory": "little"}, "realnvp: expected memory store or constant, got 'little'."),
        ({"features": "2"}, "realnvp: expected features to be a whole number of at least 1, got '2'."),
        ({"layers": 0}, "realnvp: expected layers to be a whole number of at least 1, got 0."),
        ({"hidden": 64}, "realnvp: expected hidden to be a tuple of positive whole numbers, got 64."),
        ({"scale": "linear"}, "Affine: expected scale exp, softplus or sigmoid, got 'linear'."),
        ({"bound": 0}, "Affine: expected a finite bound above 0, got 0."),
        ({"dropout": 1}, "MLP: expected dropout in [0, 1), got 1."),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        realnvp(jr.key(0), **{"features": 2, **arguments})
    assert str(caught.value) == message
