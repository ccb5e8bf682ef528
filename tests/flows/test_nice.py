import warnings

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Shift
from pushforward.distributions import StandardLogistic, StandardNormal
from pushforward.errors import ConfigError
from pushforward.flows import nice

SMALL = {"layers": 3, "hidden": (4,)}
X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


def test_it_starts_as_its_base():
    flow = nice(jr.key(0), features=3, **SMALL)
    np.testing.assert_array_equal(flow.to_base(X), X)
    np.testing.assert_allclose(flow.log_prob(X), StandardLogistic((3,)).log_prob(X), rtol=1e-6)


def test_its_volume_is_that_of_the_scaling_alone(randomised):
    """log p(x) = log p(z) + sum(log s): arXiv:1410.8516, eq. 4 and section 3.3."""
    flow = randomised(lambda: nice(jr.key(0), features=3, **SMALL))
    log_scale = flow.bijector[0].bijector.params.sum()
    z = flow.to_base(X)
    np.testing.assert_allclose(flow.log_prob(X) - flow.base.log_prob(z), np.full(6, log_scale), atol=1e-5)
    # z = s h(x): the couplings come first, seen from the data.
    h = jax.vmap(flow.bijector[1].inverse)(X)
    np.testing.assert_allclose(z, h * np.exp(flow.bijector[0].bijector.params[:, 0]), rtol=1e-5)
    assert np.abs(h - X).max() > 0.1


def test_additive_couplings_alternate(randomised):
    flow = randomised(lambda: nice(jr.key(0), features=3, **SMALL))
    couplings = [layer for layer in flow.layers()[1:]]
    assert [coupling.known for coupling in couplings] == [(0, 2), (1,), (0, 2)]
    assert all(isinstance(coupling.map, Shift) for coupling in couplings)


def test_the_context_conditions_it(randomised):
    flow = randomised(lambda: nice(jr.key(0), features=3, context_features=2, **SMALL))
    log_probs = flow.log_prob(X[0], np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    assert len(np.unique(np.round(log_probs, 4))) == 3


def test_bases():
    for base, law in (("normal", StandardNormal), ("logistic", StandardLogistic)):
        flow = jax.eval_shape(lambda base=base: nice(jr.key(0), features=3, base=base, **SMALL))
        assert isinstance(flow.base, law)


def test_one_feature_is_shifted_and_scaled():
    with pytest.warns(UserWarning, match="^nice: ") as caught:
        flow = nice(jr.key(0), features=1)
    assert [str(warning.message) for warning in caught] == [
        "nice: a coupling needs two features; for one, a shift with a scale is built."
    ]
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(flow.to_base(X[:, :1]), X[:, :1])


def test_one_feature_with_a_context_is_coupled_to_it(randomised):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flow = randomised(lambda: nice(jr.key(0), features=1, context_features=2, **SMALL))
    z = flow.to_base(jnp.ones(1), np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    assert len(np.unique(np.round(z, 4))) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": 0}, "nice: expected features to be a whole number of at least 1, got 0."),
        ({"layers": 0}, "nice: expected layers to be a whole number of at least 1, got 0."),
        (
            {"context_features": -1},
            "nice: expected context_features to be a whole number of at least 0, got -1.",
        ),
        ({"hidden": (0,)}, "nice: expected hidden to be a tuple of positive whole numbers, got (0,)."),
        ({"base": "gauss"}, "nice: expected base normal, logistic, student_t, got 'gauss'."),
        (
            {"activation": "sine"},
            "MLP: expected activation relu, tanh, silu, gelu, elu, leaky_relu, softplus, got 'sine'.",
        ),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        nice(jr.key(0), **{"features": 2, **arguments})
    assert str(caught.value) == message
