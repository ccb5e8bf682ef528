"""fit with BatchNorm: the statistics of a flow are always those of its parameters and the training rows."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import pushforward.training.checkpoint
import pushforward.training.loop
import pushforward.training.settling
from pushforward import settle
from pushforward.bijectors import BatchNorm, Chain, Invert
from pushforward.bijectors.frozen import trainable
from pushforward.distributions import Flow, Product, StandardNormal
from pushforward.errors import ConfigError, NonFiniteLoss
from pushforward.flows import maf, realnvp
from pushforward.objectives import negative_log_likelihood
from pushforward.training import Optimizer, fit, mean_loss
from pushforward.training.clock import Clock
from pushforward.training.rows import split_rows
from pushforward.training.streams import stream

KEY = jr.key(0)
RANDOM = np.random.default_rng(0)
BENT = RANDOM.normal(size=(1000, 3)) * [3.0, 0.2, 40.0]
BENT[:, 1] += 0.1 * BENT[:, 0] ** 2
BENT = (BENT + np.array([1.0, -5.0, 300.0])).astype(np.float32)
QUIET = {
    "key": KEY,
    "progress": False,
    "max_epochs": 6,
    "batch_size": 90,
    "optimizer": Optimizer(learning_rate=5e-3, ema=0.9),
}


def flow_of(recipe=maf, **options):
    return recipe(jr.key(1), features=3, layers=2, hidden=(16,), batch_norm=True, **options)


def rows_of(validation=0.1):
    return split_rows(flow_of(), BENT, None, None, validation, stream(KEY, "split"))


@pytest.mark.parametrize(
    ("recipe", "options", "ema"),
    [(maf, {}, 0.9), (realnvp, {"dropout": 0.1}, None)],
    ids=["maf with an average", "realnvp with dropout"],
)
def test_the_flow_returned_is_the_one_that_was_validated(recipe, options, ema, equal):
    settings = QUIET | {"optimizer": Optimizer(learning_rate=5e-3, ema=ema)}
    result = fit(flow_of(recipe, **options), BENT, **settings)
    split = rows_of()
    assert result.history.validation_loss[-1] < result.history.validation_loss[0] - 0.01
    assert mean_loss(result.flow, split.validation.x) == result.best_validation_loss
    np.testing.assert_allclose(
        -np.mean(result.flow.log_prob(split.validation.x)), result.best_validation_loss, rtol=1e-5
    )
    # Statistics of the training rows, under the parameters returned: to the bit those of settling anew.
    equal(settle(result.flow, split.training.x), result.flow)


def test_statistics_are_those_of_the_training_rows_in_float64():
    result = fit(flow_of(), BENT, **QUIET)
    values = rows_of().training.x.astype(float)
    with jax.enable_x64(True):
        wide = jax.tree.map(
            lambda leaf: leaf.astype(float) if eqx.is_inexact_array(leaf) else leaf, result.flow.bijector
        )
        for index in (1, 0):
            norm, layer = wide.layer(index)
            values = np.asarray(jax.vmap(layer.inverse)(values))
            mean, variance = values.mean(0), values.var(0)
            np.testing.assert_allclose(
                norm.mean.value, mean, atol=1e-5 * np.sqrt(variance).max() + 1e-5 * abs(mean).max()
            )
            np.testing.assert_allclose(norm.variance.value, variance, rtol=1e-3)
            values = (values - mean) / np.sqrt(variance + 1e-5) * np.exp(norm.log_scale) + np.asarray(
                norm.shift
            )


def test_an_average_is_returned_with_statistics_of_its_own(equal):
    """The steps are the same with and without it; what is handed out differs, and so do the statistics."""
    plain, average = (
        fit(
            flow_of(),
            BENT,
            **(QUIET | {"validation": 0, "optimizer": Optimizer(learning_rate=5e-3, ema=ema)}),
        )
        for ema in (None, 0.9)
    )
    assert plain.history.train_loss == average.history.train_loss
    norms = [result.flow.bijector.layer(0)[0] for result in (plain, average)]
    assert (norms[0].shift != norms[1].shift).all()
    assert (norms[0].mean.value != norms[1].mean.value).all()
    equal(settle(average.flow, BENT), average.flow)


def test_without_validation_and_interrupted_the_statistics_fit_too(equal, monkeypatch):
    result = fit(flow_of(), BENT, **(QUIET | {"validation": 0}))
    equal(settle(result.flow, BENT), result.flow)
    calls = []

    def slice_steps(self, most):
        calls.append(most)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return 1

    monkeypatch.setattr(Clock, "slice_steps", slice_steps)
    result = fit(flow_of(), BENT, **(QUIET | {"validation": 0}))
    assert (result.stopped, result.steps, result.history.step) == ("interrupted", 2, [])
    equal(settle(result.flow, BENT), result.flow)


def test_the_untrained_flow_is_settled_when_it_stays_the_best(equal):
    ruined = QUIET | {"optimizer": Optimizer(learning_rate=100.0, ema=None, warmup=0.0), "max_epochs": 1}
    result = fit(flow_of(), BENT, **ruined)
    assert result.best_epoch == 0.0
    equal(settle(flow_of(), rows_of().training.x), result.flow)


def test_a_resumed_run_is_the_same_bit_for_bit(equal, tmp_path, monkeypatch):
    monkeypatch.setattr(pushforward.training.checkpoint, "SECONDS_BETWEEN", 0.0)
    whole = fit(flow_of(), BENT, **QUIET)
    resumed = QUIET | {"checkpoint": tmp_path / "run.ckpt"}
    for stop in (2, 3):

        def interrupt(check, stop=stop):
            if check.epoch == stop:
                raise KeyboardInterrupt

        assert fit(flow_of(), BENT, **(resumed | {"progress": interrupt})).stopped == "interrupted"
    last = fit(flow_of(), BENT, **resumed)
    equal(whole.flow, last.flow)
    assert last.history.validation_loss == whole.history.validation_loss
    assert (last.steps, last.best_epoch) == (whole.steps, whole.best_epoch)


def test_gradients_of_the_objective_are_those_of_differences():
    """Through two layers' batch statistics, a stack and the nets, in float64."""
    with jax.enable_x64(True):
        flow = realnvp(jr.key(2), features=3, layers=2, hidden=(4,), activation="tanh", batch_norm=True)
        params, fixed = eqx.partition(flow, trainable(flow))
        random = np.random.default_rng(3)
        params = jax.tree.map(lambda leaf: np.asarray(leaf) + 0.3 * random.normal(size=leaf.shape), params)
        along = jax.tree.map(lambda leaf: random.normal(size=leaf.shape), params)
        rows, weights = jnp.asarray(BENT[:7].astype(float)) / 10, jnp.ones(7).at[6].set(0)

        @jax.jit
        def loss(params):
            return negative_log_likelihood(eqx.combine(params, fixed), rows, None, weights, KEY)

        slope = sum(
            jnp.sum(g * a)
            for g, a in zip(*map(jax.tree.leaves, (jax.grad(loss)(params), along)), strict=True)
        )
        ends = [loss(jax.tree.map(lambda p, a, s=s: p + s * a, params, along)) for s in (1e-5, -1e-5)]
        np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-5, rtol=1e-6)


def test_of_many_rows_as_many_as_the_limit_are_settled_evenly_spaced(equal, monkeypatch):
    monkeypatch.setattr(pushforward.training.settling, "ROWS", 300)
    result = fit(flow_of(), BENT, **(QUIET | {"validation": 0, "max_epochs": 1}))
    equal(settle(result.flow, BENT[np.arange(300) * 1000 // 300]), result.flow)


def test_constant_columns_and_single_rows_train_to_finite_flows():
    constant = BENT.copy()
    constant[:, 2] = 7.0
    for rows, size in ((constant, 90), (BENT[:1], 90), (BENT[:5], 1)):
        settings = QUIET | {"validation": 0, "batch_size": size, "max_epochs": 2}
        flow = fit(flow_of(), rows, **settings).flow
        assert all(
            np.isfinite(leaf).all() for leaf in jax.tree.leaves(eqx.filter(flow, eqx.is_inexact_array))
        )


def test_the_guard_explains_the_flow_with_its_statistics(equal, monkeypatch):
    """With the placeholders 0 and 1 the layer that breaks first could be another than it was in training."""
    told = []

    def explain(fault, params, fixed, *rest):
        told.append(eqx.combine(params, fixed))
        return NonFiniteLoss("explained")

    def infinite(flow, x, context, weights, key):
        return negative_log_likelihood(flow, x, context, weights, key) + jnp.where(
            x[0, 0] > -1e9, jnp.inf, 0.0
        )

    monkeypatch.setattr(pushforward.training.loop, "explain", explain)
    with pytest.raises(NonFiniteLoss, match=r"^explained$"):
        fit(flow_of(), BENT, objective=infinite, **(QUIET | {"validation": 0, "max_epochs": 2}))
    equal(told[0], settle(flow_of(), BENT))


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (
            Product([Flow(StandardNormal((1,)), BatchNorm((1,))), StandardNormal((2,))]),
            "BatchNorm: rows can be followed to it through Flow, Chain, Stack and Invert, but it lies in Product.",
        ),
        (
            Flow(StandardNormal((3,)), Chain([Invert(BatchNorm((3,)))])),
            "BatchNorm: it normalises values on their way to the base in its inverse, but stands inside an Invert. "
            "Put it outside, or in a second Invert.",
        ),
    ],
    ids=["elsewhere", "wrong way round"],
)
@pytest.mark.parametrize("validation", [0, 0.1])
def test_a_layer_that_cannot_be_settled_is_refused_before_training(law, message, validation):
    checks = []
    with pytest.raises(ConfigError) as caught:
        fit(law, BENT, **(QUIET | {"validation": validation, "progress": checks.append}))
    assert (str(caught.value), checks) == (message, [])
