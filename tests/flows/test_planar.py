"""planar, radial and sylvester: the papers' formulas, mirror images of each other, and parameters of each context."""

import json
import re

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import pushforward as pf
from pushforward.bijectors import Amortised, Invert, Planar, Radial, Reverse, Sylvester
from pushforward.errors import ConfigError

RECIPES = {
    "planar": (pf.flows.planar, Planar),
    "radial": (pf.flows.radial, Radial),
    "sylvester": (pf.flows.sylvester, Sylvester),
}


@pytest.mark.parametrize("name", RECIPES)
def test_fast_turns_the_same_layers_round(name, randomised):
    recipe, kind = RECIPES[name]
    density, sampling = (
        randomised(lambda fast=fast: recipe(jr.key(0), features=3, layers=2, fast=fast))
        for fast in ("density", "sampling")
    )
    assert isinstance(density.bijector.layer(0), Invert)
    assert isinstance(sampling.bijector.layer(0), kind)
    assert (density.bijector.cheap, sampling.bijector.cheap) == (
        ("both", "both") if name == "radial" else ("inverse", "forward")
    )
    x = jr.normal(jr.key(1), (3,))
    there = density.bijector.layer(1).inverse(x)
    np.testing.assert_array_equal(there, sampling.bijector.layer(1).forward(x))


@pytest.mark.parametrize("name", RECIPES)
def test_it_starts_as_its_base_with_and_without_a_context(name):
    recipe, _ = RECIPES[name]
    x = jr.normal(jr.key(2), (20, 3))
    expected = np.asarray(pf.distributions.StandardNormal((3,)).log_prob(x))
    sizes = {"features": 3, "layers": 2, "hidden": (4,)}
    np.testing.assert_allclose(recipe(jr.key(0), **sizes).log_prob(x), expected, rtol=1e-5)
    told = recipe(jr.key(0), context_features=2, **sizes)
    np.testing.assert_allclose(told.log_prob(x, jnp.ones(2)), expected, rtol=1e-5)


def test_with_a_context_every_parameter_comes_from_a_net(randomised):
    flow = randomised(
        lambda: pf.flows.planar(jr.key(0), features=2, layers=1, context_features=3, hidden=(4,))
    )
    layer = flow.bijector.layer(0)
    assert isinstance(layer, Amortised)
    z, context = jnp.array([0.4, -1.0]), jnp.array([1.0, -1.0, 0.5])
    told = layer.net(jnp.zeros(0), context)
    w, u = np.float64(layer.bijector.w + told[:2]), np.float64(layer.bijector.u + told[2:4])
    s = w @ u
    u = u + ((s if s >= 0 else 0.999 * np.expm1(s / 0.999)) - s) * w / (w @ w)
    expected = z + u * np.tanh(w @ z + layer.bijector.b + told[4])
    np.testing.assert_allclose(flow.to_data(z, context), expected, rtol=1e-5)


def test_kinds_of_sylvester_flows():
    shapes = {}
    for kind in ("orthogonal", "householder", "triangular"):
        flow = jax.eval_shape(
            lambda kind=kind: pf.flows.sylvester(
                jr.key(0), features=5, layers=3, kind=kind, width=2, reflections=4
            ).bijector.layer(0)
        )
        layer = flow[0] if kind == "triangular" else flow
        shapes[kind] = (layer.vectors.shape, layer.b.shape)
        if kind == "triangular":
            assert isinstance(flow[1], Reverse)
    assert shapes == {
        "orthogonal": ((2, 5), (2,)),
        "householder": ((4, 5), (5,)),
        "triangular": ((0, 5), (5,)),
    }


@pytest.mark.parametrize("name", RECIPES)
def test_one_feature(name):
    flow = RECIPES[name][0](jr.key(0), features=1, layers=1)
    assert np.isfinite(flow.log_prob(jnp.zeros((2, 1)))).all()


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("planar", {"fast": "both"}, "planar: expected fast density or sampling, got 'both'."),
        ("radial", {"layers": 0}, "radial: expected layers to be a whole number of at least 1, got 0."),
        ("planar", {"bend": "relu"}, "planar: expected bend tanh or leaky_relu, got 'relu'."),
        (
            "sylvester",
            {"kind": "free"},
            "sylvester: expected kind orthogonal, householder or triangular, got 'free'.",
        ),
        ("sylvester", {"width": 0}, "sylvester: expected width to be a whole number of at least 1, got 0."),
    ],
)
def test_arguments_that_do_not_fit(name, arguments, message):
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        RECIPES[name][0](jr.key(0), features=2, **arguments)


def test_arguments_are_recorded():
    flow = pf.flows.sylvester(jr.key(0), features=2, layers=1)
    assert json.loads(flow.recipe.arguments)["kind"] == "orthogonal"
