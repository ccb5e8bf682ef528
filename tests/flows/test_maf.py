"""maf: the paper's formula, its mirror image iaf, batch normalisation, and what one feature comes to."""

import re

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import pushforward as pf
from pushforward.bijectors.frozen import trainable
from pushforward.errors import ConfigError

SIZES = {"features": 4, "layers": 3, "hidden": (12,)}


def moved(flow):
    """The flow with its parameters away from the initial ones."""
    return jax.tree.map(
        lambda leaf, yes: leaf + 0.3 * jr.normal(jr.key(leaf.size), leaf.shape) if yes else leaf,
        flow,
        trainable(flow),
    )


@pytest.mark.parametrize("recipe", [pf.flows.maf, pf.flows.iaf])
def test_fast_turns_the_same_layers_round(recipe):
    density, sampling = (moved(recipe(jr.key(0), fast=fast, **SIZES)) for fast in ("density", "sampling"))
    assert density.bijector.cheap == "inverse"
    assert sampling.bijector.cheap == "forward"
    x = jr.normal(jr.key(1), (6, 4))
    for index in range(3):
        there = jax.vmap(density.bijector.layer(index).inverse)(x)
        np.testing.assert_allclose(there, jax.vmap(sampling.bijector.layer(index).forward)(x), rtol=1e-6)


@pytest.mark.parametrize("recipe", [pf.flows.maf, pf.flows.iaf, pf.flows.maf_mog])
@pytest.mark.parametrize(("layers", "hidden", "unroll"), [(2, (16, 16), 2), (10, (8,), 10), (11, (8,), 1)])
def test_up_to_ten_layers_are_written_out(recipe, layers, hidden, unroll):
    flow = eqx.filter_eval_shape(lambda: recipe(jr.key(0), features=4, layers=layers, hidden=hidden))
    assert flow.bijector.unroll == unroll


def test_maf_layer_is_the_papers_formula():
    flow = moved(pf.flows.maf(jr.key(0), features=3, layers=1, hidden=(8,)))
    x = jnp.array([0.3, -1.0, 2.0])
    net = flow.bijector.layer(0).bijector[1].net
    backwards = x[::-1]
    raw, shift = net(backwards)
    z = backwards * np.exp(5 * np.tanh(raw / 5)) + shift
    np.testing.assert_allclose(flow.to_base(x), z, rtol=1e-5)


def test_a_layer_written_out_does_not_repeat_those_before():
    """The compiled density has so many multiplications for each layer, however many layers there are."""

    def multiplications(layers):
        flow = pf.flows.maf(jr.key(0), features=4, layers=layers, hidden=(8,))
        program = eqx.filter_jit(lambda flow, x: jax.vmap(lambda row: flow.log_prob(row))(x))
        text = program.lower(flow, jnp.zeros((64, 4))).compile().compiled.as_text()
        return len(re.findall(r" multiply\(", text))

    assert multiplications(9) <= 3 * multiplications(3)


@pytest.mark.parametrize("fast", ["density", "sampling"])
def test_batch_norm_follows_each_layer_towards_the_base(fast):
    """As in the paper, the last one, next to the base, included; the other layers are those without it."""
    plain = pf.flows.maf(jr.key(0), fast=fast, **SIZES)
    flow = pf.flows.maf(jr.key(0), fast=fast, batch_norm=True, **SIZES)
    for index in range(3):
        norm, layer = flow.bijector.layer(index)
        assert eqx.tree_equal(norm, pf.bijectors.BatchNorm((4,)))
        assert eqx.tree_equal(layer, plain.bijector.layer(index))
    assert flow.bijector.cheap == plain.bijector.cheap


@pytest.mark.parametrize("recipe", [pf.flows.maf, pf.flows.iaf])
def test_samples_and_densities_agree(recipe):
    flow = moved(recipe(jr.key(0), **SIZES))
    x, log_prob = flow.sample_and_log_prob(jr.key(3), (50,))
    np.testing.assert_allclose(flow.log_prob(x), log_prob, rtol=1e-3, atol=1e-3)


def test_one_feature_says_that_it_stays_gaussian():
    with pytest.warns(
        UserWarning, match=r"^maf: with one feature, affine layers only shift and scale the base"
    ):
        flow = pf.flows.maf(jr.key(0), features=1, layers=2, hidden=(4,))
    x = jnp.linspace(-2, 2, 5)[:, None]
    second = np.diff(np.asarray(moved(flow).log_prob(x)), n=2)  # of a Gaussian constant
    np.testing.assert_allclose(second, second[0], rtol=1e-3)


def test_unknown_direction():
    with pytest.raises(ConfigError, match=r"^maf: expected fast density or sampling, got 'both'\.$"):
        pf.flows.maf(jr.key(0), features=2, fast="both")
