"""naf, umnn, sos and bernstein: what their layers are, that density and samples agree, what fails by name."""

import jax
import jax.random as jr
import numpy as np
import pytest

import pushforward as pf
from pushforward.bijectors import (
    Autoregressive,
    Bernstein,
    Chain,
    DeepSigmoid,
    Elementwise,
    Invert,
    MonotoneIntegral,
    Reverse,
    ScalarMap,
    SumOfSquares,
)
from pushforward.distributions import Flow, StandardNormal
from pushforward.errors import ConfigError, NotConverged
from pushforward.flows import bernstein, naf, sos, umnn
from pushforward.numerics.roots import increasing_root

RECIPES = {
    naf: ({"units": 5, "depth": 2}, DeepSigmoid(5, 2)),
    umnn: ({"units": 3, "nodes": 17, "bound": 4.0}, MonotoneIntegral(3, 17, 4.0)),
    sos: ({"degree": 3, "terms": 2, "bound": 4.0}, SumOfSquares(3, 2, 4.0)),
    bernstein: ({"degree": 7, "bound": 4.0}, Bernstein(7, 4.0)),
}
NET = {"hidden": (6, 6), "activation": "silu", "dropout": 0.25, "residual": True}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.__name__)
def test_arguments_reach_their_parts(recipe):
    arguments, scalar = RECIPES[recipe]
    for fast, cheap in (("density", "inverse"), ("sampling", "forward")):
        flow = jax.eval_shape(
            lambda fast=fast: recipe(
                jr.key(0), features=3, context_features=2, layers=4, fast=fast, **NET, **arguments
            )
        )
        assert (flow.bijector.cheap, flow.bijector.depth, flow.context_shape) == (cheap, 4, (2,))
        layer = flow.bijector.stacked
        layer = layer.bijector if fast == "density" else layer
        assert isinstance(layer, Chain)
        assert [type(part) for part in layer] == [Reverse, Autoregressive]
        assert layer[1].map == scalar
        net = layer[1].net
        assert (net.activation, net.dropout, net.num_params) == ("silu", 0.25, scalar.num_params)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.__name__)
def test_one_feature_bends_and_wrong_arguments_are_named(recipe, recwarn):
    flow = jax.eval_shape(lambda: recipe(jr.key(0), features=1, hidden=(4,)))
    assert not recwarn.list
    assert flow.event_shape == (1,)
    name = recipe.__name__
    for arguments, message in (
        ({"layers": 0}, f"{name}: expected layers to be a whole number of at least 1, got 0."),
        ({"fast": "both"}, f"{name}: expected fast density or sampling, got 'both'."),
        ({"base": "cauchy"}, f"{name}: expected base normal, logistic, student_t, got 'cauchy'."),
        ({"hidden": 8}, f"{name}: expected hidden to be a tuple of positive whole numbers, got 8."),
    ):
        with pytest.raises(ConfigError) as caught:
            recipe(jr.key(0), features=2, **arguments)
        assert str(caught.value) == message


def test_samples_and_densities_agree(randomised):
    """The sample goes through the search, its density comes back through the map."""
    flow = randomised(lambda: bernstein(jr.key(0), features=3, layers=2, hidden=(8,), degree=5))
    x, log_prob = flow.sample_and_log_prob(jr.key(1), 64)
    np.testing.assert_allclose(flow.log_prob(x), log_prob, rtol=1e-3, atol=1e-3)
    assert np.abs(flow.to_base(x) - x).max() > 0.1


class Saturating(ScalarMap):
    """A map that claims all real numbers and reaches only those in (0, 1): its inverse must fail."""

    elementwise = True
    num_params = 1

    def forward(self, params, x):
        y = jax.nn.sigmoid(x + params[0])
        return y, jax.nn.log_sigmoid(x) + jax.nn.log_sigmoid(-x)

    def inverse(self, params, y):
        x = increasing_root(lambda p, x: jax.nn.sigmoid(x + p), y, params[0])
        return x, -self.forward(params, x)[1]


def test_a_search_that_fails_inside_a_flow_is_not_converged():
    flow = Flow(StandardNormal((2,)), Invert(Elementwise(Saturating(), (2,))))
    with pytest.raises(NotConverged, match=r"^increasing_root: expected an increasing function"):
        flow.to_data(np.array([[0.2, 0.3], [0.5, 1.5]], np.float32))
    np.testing.assert_allclose(flow.to_data(np.full((2, 2), 0.5, np.float32)), 0, atol=1e-6)
    assert issubclass(NotConverged, RuntimeError)
    assert pf.errors.NotConverged is NotConverged
