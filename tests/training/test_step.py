import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

from pushforward.bijectors.frozen import trainable
from pushforward.objectives import negative_log_likelihood
from pushforward.training.optimizer import Optimizer, average_decay, rate
from pushforward.training.plan import Deal
from pushforward.training.rows import Rows
from pushforward.training.step import (
    Span,
    batch_index,
    evaluate,
    initial_state,
    to_chunks,
    train_steps,
)

SETTINGS = Optimizer(learning_rate=0.1, weight_decay=0.1, ema=0.9)
DEAL = Deal(10, 3)
ORDER = np.random.default_rng(1).permutation(10).astype(np.int32)


def span(stop, **changes):
    return Span.of(stop, **{"start": 0.0, "origin": 0, "slope": 1 / 9, "scale": 1.0} | changes)


def run(flow, rows, span, *, state=None, optimizer=SETTINGS, objective=negative_log_likelihood):
    params, fixed = eqx.partition(flow, trainable(flow))
    state = initial_state(params, optimizer) if state is None else state
    return train_steps(
        state,
        fixed,
        rows,
        jnp.asarray(ORDER),
        span,
        jr.key(0),
        deal=DEAL,
        objective=objective,
        optimizer=optimizer,
    )


def rows_of(table, weights=None):
    return Rows(jnp.asarray(table[:10]), None, None if weights is None else jnp.asarray(weights))


def test_an_epoch_shows_every_row_once():
    seen = [batch_index(step, ORDER, DEAL) for step in range(3)]
    assert [len(batch) for batch in seen] == [4, 3, 3]
    np.testing.assert_array_equal(np.concatenate(seen), ORDER)
    np.testing.assert_array_equal(batch_index(4, ORDER, DEAL), seen[1])


@pytest.mark.parametrize("weighted", [False, True])
def test_steps_are_those_of_a_plain_loop(affine, table, weighted):
    """The oracle slices batches of their true sizes, one Python step at a time."""
    flow = affine(fixed=0.5)
    weights = np.linspace(0.5, 1.5, 10).astype(np.float32) if weighted else np.ones(10, np.float32)
    state = run(flow, rows_of(table, weights if weighted else None), span(3))

    params, fixed = eqx.partition(flow, trainable(flow))
    oracle = optax.chain(optax.clip_by_global_norm(5.0), optax.adamw(1.0, weight_decay=0.1))
    memory, average, total = oracle.init(params), params, 0.0
    for step in range(3):
        index = batch_index(step, ORDER, DEAL)

        def loss_of(params, index=index):
            law = eqx.combine(params, fixed)
            return -jnp.average(law.log_prob(table[index]), weights=jnp.asarray(weights[index]))

        loss, gradient = jax.value_and_grad(loss_of)(params)
        updates, memory = oracle.update(gradient, memory, params)
        height = rate(SETTINGS, jnp.asarray((step + 0.5) / 9))
        params = optax.apply_updates(params, jax.tree.map(lambda u, h=height: h * u, updates))
        decay = average_decay(SETTINGS, jnp.asarray(step))
        average = jax.tree.map(lambda a, p, d=decay: d * a + (1 - d) * p, average, params)
        total += float(loss) * weights[index].sum()

    for ours, theirs in ((state.params, params), (state.average, average)):
        for mine, expected in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(mine, expected, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(state.loss_sum, total, rtol=1e-5)
    np.testing.assert_allclose(state.weight_sum, weights.sum(), rtol=1e-6)
    np.testing.assert_allclose(state.rate, rate(SETTINGS, jnp.asarray(2.5 / 9)), rtol=1e-6)
    assert (int(state.step), bool(state.bad)) == (3, False)
    assert eqx.combine(state.params, fixed).bijector.fixed.content[0] == 0.5


def test_where_the_host_looks_changes_no_bit(affine, table, equal):
    rows = rows_of(table)
    whole = run(affine(), rows, span(3))
    half = run(affine(), rows, span(2), state=run(affine(), rows, span(1)))
    equal(whole, run(affine(), rows, span(3), state=half))
    equal(half, run(affine(), rows, span(1), state=half))


def test_progress_and_scale_of_a_span(affine, table):
    rows = rows_of(table)
    late = run(affine(), rows, span(1, start=0.6, origin=0, slope=0.2, scale=0.5))
    np.testing.assert_allclose(late.rate, 0.5 * rate(SETTINGS, jnp.asarray(0.7)), rtol=1e-5)


def test_every_step_has_randomness_of_its_own(affine, table):
    def noise(flow, x, context, weights, key):
        return jr.uniform(key) + 0 * negative_log_likelihood(flow, x, context, weights)

    losses = [float(run(affine(), rows_of(table), span(stop), objective=noise).loss) for stop in (1, 2, 3)]
    assert len(set(losses)) == 3


def test_it_stops_at_the_first_bad_step_and_says_which(with_layer, table):
    spoilt = table[:10].copy()
    spoilt[ORDER[5]] = 90.0
    rows = Rows(jnp.asarray(spoilt), None, None)
    state = run(with_layer("overflow", -60.0), rows, span(3))
    assert (int(state.step), bool(state.bad)) == (1, True)
    assert not np.isfinite(state.loss)
    before = run(with_layer("overflow", -60.0), rows, span(1))
    assert (int(before.step), bool(before.bad)) == (1, False)


def test_a_bad_gradient_alone_is_bad_too(with_layer, table):
    spoilt = table[:10].copy()
    spoilt[ORDER[8], 0] = 0.0
    state = run(with_layer("nan gradient", 1.0), Rows(jnp.asarray(spoilt), None, None), span(3, slope=0.0))
    assert (int(state.step), bool(state.bad)) == (2, True)
    assert np.isfinite(state.loss)
    assert np.isnan(state.norm)


def test_without_an_average_the_parameters_are_shown(affine):
    params = eqx.filter(affine(), trainable(affine()))
    state = initial_state(params, dataclasses.replace(SETTINGS, ema=None))
    assert state.average is None
    assert state.shown() is state.params


def test_parameters_lose_their_weak_types(affine):
    flow = eqx.tree_at(lambda f: f.bijector.shift, affine(), jnp.asarray(0.0) * jnp.ones(2))
    weak = eqx.tree_at(lambda f: f.bijector.log_scale, flow, jax.lax.full((2,), 0.0))
    state = initial_state(eqx.filter(weak, trainable(weak)), SETTINGS)
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(state.params))


@pytest.mark.parametrize("count", [1, 1024, 2051])
def test_evaluation_is_the_weighted_mean_over_all_rows(affine, count):
    rng = np.random.default_rng(count)
    x, weights = rng.normal(size=(count, 2)).astype(np.float32), rng.uniform(size=count).astype(np.float32)
    flow = affine()
    params, fixed = eqx.partition(flow, trainable(flow))
    for given in (None, weights):
        chunks = to_chunks(Rows(x, None, given))
        loss = evaluate(params, fixed, chunks, objective=negative_log_likelihood)
        np.testing.assert_allclose(loss, -np.average(flow.log_prob(x), weights=given), rtol=1e-5)
    assert chunks.x.shape[1] <= 1024


def test_evaluation_has_no_key(with_layer, table):
    flow = with_layer("noise")
    params, fixed = eqx.partition(flow, trainable(flow))
    loss = evaluate(params, fixed, to_chunks(Rows(table[:10], None, None)), objective=negative_log_likelihood)
    noisy = run(flow, rows_of(table), span(1))
    assert 0 < loss < 100
    assert noisy.loss < -900
