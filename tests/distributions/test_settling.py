import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import pushforward as pf
from pushforward.bijectors import ActNorm, Affine, BatchNorm, Chain, Coupling, Invert, Stack, halves
from pushforward.bijectors.frozen import trainable
from pushforward.bijectors.norm import statistics
from pushforward.distributions import Flow, Product, StandardNormal
from pushforward.errors import ConfigError, DomainError, ShapeError
from pushforward.flows import registry
from pushforward.nets import MLP

ROWS = np.random.default_rng(0).normal(size=(2500, 3)).astype(np.float32) ** 3 * 7 + 5


def moved(flow):
    """The flow with its trainable parameters away from the initial ones."""
    params, fixed = eqx.partition(flow, trainable(flow))
    params = jax.tree.map(lambda leaf: leaf + 0.2 * jr.normal(jr.key(leaf.size), leaf.shape), params)
    return eqx.combine(params, fixed)


def layer_by_layer(bijector, rows, context=None):
    """Mean and variance that reach each BatchNorm of a stack, from data to base, computed in float64."""
    found = []
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda leaf: leaf.astype(float) if eqx.is_inexact_array(leaf) else leaf, bijector)
        values = rows.astype(float)
        for index in reversed(range(wide.depth)):
            norm, rest = wide.layer(index)
            if context is None:
                values = np.asarray(jax.vmap(rest.inverse)(values))
            else:
                values = np.asarray(jax.vmap(rest.inverse)(values, context.astype(float)))
            mean, variance = values.mean(0), values.var(0)
            found.append((mean, variance))
            values = (values - mean) / np.sqrt(variance + 1e-5) * np.exp(norm.log_scale) + np.asarray(
                norm.shift
            )
    return found[::-1]


@pytest.mark.parametrize("fast", ["density", "sampling"])
def test_statistics_are_those_of_all_rows_layer_by_layer(fast):
    """Three chunks, the last one padded; contexts reach the layers."""
    context = np.random.default_rng(1).normal(size=(2500, 2)).astype(np.float32)
    recipe = {"features": 3, "context_features": 2, "layers": 3, "hidden": (8,), "fast": fast}
    flow = moved(pf.flows.maf(jr.key(0), batch_norm=True, **recipe))
    settled = pf.settle(flow, ROWS, context)
    for index, (mean, variance) in enumerate(layer_by_layer(flow.bijector, ROWS, context)):
        norm = settled.bijector.layer(index)[0]
        np.testing.assert_allclose(norm.mean.value, mean, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(norm.variance.value, variance, rtol=1e-4)
    assert settled.recipe == flow.recipe
    rest = (eqx.partition(f, statistics(f))[1] for f in (flow, settled))
    assert eqx.tree_equal(*rest)
    one = pf.settle(flow, ROWS, context[0])
    assert eqx.tree_equal(one, pf.settle(flow, ROWS, np.broadcast_to(context[0], context.shape)))


def test_settled_rows_have_the_density_of_one_training_batch():
    """What a key gives to a batch of all rows is what settling on them gives without one."""
    flow = moved(pf.flows.realnvp(jr.key(0), features=3, layers=3, hidden=(8,), batch_norm=True))
    loss = pf.objectives.negative_log_likelihood
    weights = jnp.ones(len(ROWS))
    batch = loss(flow, jnp.asarray(ROWS), None, weights, jr.key(1))
    np.testing.assert_allclose(-np.mean(pf.settle(flow, ROWS).log_prob(ROWS)), batch, rtol=1e-5)


def test_the_base_and_preprocessing_are_followed():
    options = {"layers": 2, "hidden": (8,), "batch_norm": True}
    table = moved(pf.flows.table(jr.key(0), features=3, flow="maf", options=options, knots=4))
    reached = np.asarray(Flow(StandardNormal((3,)), Chain(table.bijector[1:])).to_base(ROWS))
    stack = pf.settle(table, ROWS).bijector[0]
    for index, (mean, variance) in enumerate(layer_by_layer(table.bijector[0], reached)):
        np.testing.assert_allclose(stack.layer(index)[0].mean.value, mean, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(stack.layer(index)[0].variance.value, variance, rtol=1e-3)
    outer = moved(BatchNorm((3,)))
    nested = pf.settle(Flow(Flow(StandardNormal((3,)), BatchNorm((3,))), outer), ROWS)
    np.testing.assert_allclose(nested.base.bijector.mean.value, outer.shift, atol=1e-5)
    np.testing.assert_allclose(nested.base.bijector.variance.value, np.exp(2 * outer.log_scale), rtol=1e-4)


def glowing(key, *, features, layers=2):
    """Couplings between ActNorms, a recipe of this test."""

    def layer(key):
        mask = halves(features)
        known = int(mask.sum())
        net = MLP(key, known, 2 * (features - known), hidden=(8,))
        return Chain([ActNorm((features,)), Invert(Coupling(Affine(), net, mask))])

    return Flow(StandardNormal((features,)), Stack([layer(k) for k in jr.split(key, layers)]))


def test_initialised_rows_are_standardised_behind_every_actnorm_also_after_loading(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_RECIPES", {})
    flow = pf.initialize(moved(registry.register(glowing)(jr.key(0), features=3)), ROWS)
    values = ROWS
    for index in (1, 0):
        layer = flow.bijector.layer(index)
        values = np.asarray(jax.vmap(layer.inverse)(values))
        np.testing.assert_allclose(values.mean(0), 0, atol=2e-5)
        np.testing.assert_allclose(values.std(0), 1, rtol=1e-4)
    pf.save(flow, tmp_path / "flow.safetensors")
    loaded = pf.load(tmp_path / "flow.safetensors")
    assert eqx.tree_equal(flow, loaded)
    # Another batch does not initialise it anew: a call is a call, with and without a key.
    other = jnp.asarray(ROWS[:50] * 100)
    keyed = pf.objectives.negative_log_likelihood(loaded, other, None, jnp.ones(50), jr.key(0))
    np.testing.assert_allclose(keyed, -np.mean(flow.log_prob(other)), rtol=1e-5)
    assert eqx.tree_equal(pf.settle(flow, other), flow)


def test_settled_statistics_are_saved_to_the_bit(tmp_path):
    flow = pf.settle(pf.flows.maf(jr.key(0), features=3, layers=2, hidden=(8,), batch_norm=True), ROWS)
    pf.save(flow, tmp_path / "flow.safetensors")
    loaded = pf.load(tmp_path / "flow.safetensors")
    assert eqx.tree_equal(flow, loaded)
    np.testing.assert_array_equal(flow.log_prob(ROWS[:9]), loaded.log_prob(ROWS[:9]))


def test_one_row_and_a_constant_column_give_a_finite_flow():
    rows = ROWS[:40].copy()
    rows[:, 1] = 3.0
    for batch in (rows, ROWS[:1]):
        flow = pf.settle(pf.flows.maf(jr.key(0), features=3, layers=2, hidden=(8,), batch_norm=True), batch)
        assert np.isfinite(flow.log_prob(batch)).all()
        assert np.isfinite(flow.sample(jr.key(0), (5,))).all()


def test_a_flow_without_such_layers_comes_back_as_it_is():
    flow = pf.flows.maf(jr.key(0), features=3, layers=1, hidden=(4,))
    assert pf.settle(flow, ROWS) is flow
    assert pf.initialize(flow, ROWS) is flow


NORMED = Flow(StandardNormal((3,)), BatchNorm((3,)))


@pytest.mark.parametrize(
    ("flow", "x", "context", "error", "message"),
    [
        (StandardNormal((3,)), ROWS, None, ConfigError, "settle: expected a Flow, got StandardNormal."),
        (
            Flow(Product([NORMED, StandardNormal((1,))]), BatchNorm((4,))),
            np.ones((5, 4)),
            None,
            ConfigError,
            "BatchNorm: rows can be followed to it through Flow, Chain, Stack and Invert, but it lies in Product.",
        ),
        (
            NORMED,
            ROWS[:, :2],
            None,
            ShapeError,
            "settle: expected events of shape (3,), got x of shape (2500, 2). "
            "The law was built for 3 features.",
        ),
        (
            NORMED,
            ROWS[0],
            None,
            ShapeError,
            "settle: expected a batch of at least one row, got x of shape (3,).",
        ),
        (
            NORMED,
            ROWS[:0],
            None,
            ShapeError,
            "settle: expected a batch of at least one row, got x of shape (0, 3).",
        ),
        (
            NORMED,
            np.float32([[1, 2, 3], [1, np.inf, np.nan]]),
            None,
            DomainError,
            "settle: expected finite values, got NaN or infinity in 1 of 2 rows.",
        ),
        (
            pf.flows.maf(jr.key(0), features=3, context_features=2, layers=1, hidden=(4,), batch_norm=True),
            ROWS,
            ROWS[:7, :2],
            ShapeError,
            "settle: expected one context or 2500, as many as rows, got 7.",
        ),
    ],
    ids=["no flow", "lost", "features", "one event", "no rows", "not finite", "contexts"],
)
def test_what_does_not_fit_is_refused(flow, x, context, error, message):
    with pytest.raises(error) as caught:
        pf.settle(flow, x, context)
    assert str(caught.value) == message
