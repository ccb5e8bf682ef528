"""Training from a source: what holds for arrays holds for it; and devices get what one device would."""

import math
import os
import signal
import threading

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import pushforward.training.checkpoint
import pushforward.training.feed
from pushforward.bijectors import BatchNorm, Chain
from pushforward.distributions.flow import Flow
from pushforward.distributions.normal import StandardNormal
from pushforward.errors import BadCheckpoint, DomainError, NonFiniteLoss
from pushforward.objectives import negative_log_likelihood
from pushforward.training import Optimizer, fit
from pushforward.training.feed import Dealt, Resident, make_feed
from pushforward.training.plan import Deal
from pushforward.training.rows import Rows, Split
from pushforward.training.step import _batch
from pushforward.training.stream_split import split_source
from row_sources import Groups, cut

KEY = jr.key(0)
QUIET = {"key": KEY, "progress": False, "optimizer": Optimizer(learning_rate=0.1, ema=0.9)}


def source_of(table, **options):
    return Groups(cut(table, 200, 300, 100, 150, 250), **{"buffer": 128} | options)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(pushforward.training.feed, "_CHUNK_ROWS", 300)


def batch_of(feed, step, deal):
    """The rows and weights that the compiled step sees."""
    portion = feed.portion(step)
    order = portion.order
    return jax.device_get(_batch(portion.rows, order, jnp.asarray(step), deal, portion.first))


@pytest.mark.parametrize("weighted", [False, True])
def test_dealt_batches_are_those_of_rows_on_the_device(table, weighted, small_chunks):
    weights = np.linspace(0.5, 1.5, 1000, dtype=np.float32) if weighted else None
    split = Split(Rows(table, table[:, :1], weights), None, np.arange(1000) * 2)
    deal = Deal(1000, 9)
    resident = Resident(split, deal, KEY)
    # What `make_feed` makes for several devices, without a layout for them.
    dealt = Dealt(pushforward.training.feed._in_memory(split, KEY), deal, None)
    for step in (*range(20), 5):  # on, and back
        ours, theirs = batch_of(dealt, step, deal), batch_of(resident, step, deal)
        assert len(ours[1]) == 112
        jax.tree.map(
            np.testing.assert_array_equal,
            (ours[0].x, ours[0].context, ours[1]),
            (theirs[0].x, theirs[0].context, theirs[1]),
        )
        assert ours[1].sum() == pytest.approx(theirs[1].sum())
        (rows, numbers), (expected, same) = dealt.batch(step), resident.batch(step)
        np.testing.assert_array_equal(numbers, same)
        jax.tree.map(np.testing.assert_array_equal, rows, expected)
    assert dealt.portion(5).rows.x.shape[:2] == (2, 112)
    dealt.close()


def test_an_epoch_from_a_source_has_every_row_once_whatever_the_chunks_are(affine, table, monkeypatch):
    split = split_source(affine(), source_of(table), None, None, 0, KEY)
    deal, seen = Deal(1000, 9), {}
    for chunk in (112, 500, 10**6):
        monkeypatch.setattr(pushforward.training.feed, "_CHUNK_ROWS", chunk)
        feed = make_feed(split, deal, KEY, None)
        seen[chunk] = [batch_of(feed, step, deal) for step in range(18)]
        feed.close()
    batches = seen[112]
    for epoch in (batches[:9], batches[9:]):
        rows = np.concatenate([batch.x[weights > 0] for batch, weights in epoch])
        np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(table, axis=0))
        assert {int(weights.sum()) for _, weights in epoch} == {111, 112}
    for other in (seen[500], seen[10**6]):
        for (ours, weights), (theirs, expected) in zip(batches, other, strict=True):
            np.testing.assert_array_equal(ours.x, theirs.x)
            np.testing.assert_array_equal(weights, expected)


def test_it_finds_the_maximum_likelihood(affine, table, small_chunks):
    result = fit(affine(), source_of(table), max_epochs=60, validation=0, **QUIET)
    np.testing.assert_allclose(result.flow.bijector.shift, table.mean(0), atol=0.02)
    np.testing.assert_allclose(jnp.exp(result.flow.bijector.log_scale), table.std(0), rtol=0.02)
    assert (result.stopped, result.steps) == ("epochs", 240)
    assert result.history.epoch == list(range(1, 61))


def test_contexts_come_in_the_blocks(affine, table):
    context = np.random.default_rng(1).normal(size=(1000, 1))
    x = table + context * [2.0, -1.0]
    groups = Groups([(x[:400], context[:400]), (x[400:], context[400:])])
    held_out = (x[:50], context[:50])
    result = fit(affine(context_features=1), groups, max_epochs=80, validation=held_out, **QUIET)
    least_squares = np.polyfit(context[:, 0], x, 1)[0]
    np.testing.assert_allclose(result.flow.bijector.slope[:, 0], least_squares, atol=0.05)


def test_nothing_is_compiled_after_the_first_step_and_no_thread_is_left(affine, table, small_chunks):
    traced, seen = [], []

    def objective(flow, x, context, weights, key):
        traced.append(x.shape)
        return negative_log_likelihood(flow, x, context, weights, key)

    fit(
        affine(),
        source_of(table),
        validation=table[:100],
        max_epochs=4,
        key=KEY,
        objective=objective,
        progress=lambda check: seen.append(len(traced)),
    )
    assert len(seen) == 4
    assert len(set(seen)) == 1
    assert {shape[0] for shape in traced} == {250, 100}
    assert not [thread for thread in threading.enumerate() if thread.name == "pushforward-rows"]


def interrupt_at(count):
    def progress(check):
        if check.step == count:
            raise KeyboardInterrupt

    return progress


def test_a_run_resumed_in_the_middle_of_an_epoch_is_the_same_bit_for_bit(
    affine, table, equal, tmp_path, monkeypatch, small_chunks
):
    monkeypatch.setattr(pushforward.training.checkpoint, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr("pushforward.training.plan.STEPS_BETWEEN_CHECKS", 1)
    call = {"batch_size": 64, "max_epochs": 3, "validation": 0.05}
    whole = fit(affine(), source_of(table), **call, **QUIET)
    assert len(whole.history.step) > 9  # several checks in an epoch
    resumed = QUIET | {"checkpoint": tmp_path / "run.ckpt"}
    for stop in whole.history.step[1:6:4]:
        part = fit(affine(), source_of(table), **call, **(resumed | {"progress": interrupt_at(stop)}))
        assert part.stopped == "interrupted"
    last = fit(affine(), source_of(table), **call, **resumed)
    equal(whole.flow, last.flow)
    assert last.history.validation_loss == whole.history.validation_loss
    with pytest.raises(BadCheckpoint, match="belongs to another run: data is"):
        fit(affine(), source_of(table, buffer=100), **call, **resumed)


def test_a_real_signal_ends_it(affine, table, heeded_signals):
    fit(affine(), source_of(table), max_epochs=1, **QUIET)  # compiles
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    result = fit(affine(), source_of(table), max_epochs=10**6, patience=math.inf, **QUIET)
    assert result.stopped == "interrupted"


def test_time_ends_it(affine, table):
    result = fit(affine(), source_of(table), max_seconds=1.0, **QUIET)
    assert result.stopped == "time"
    assert result.history.learning_rate[-1] < 0.1 * max(result.history.learning_rate)


def test_bad_rows_are_an_error_and_rows_that_break_the_loss_are_named(affine, with_layer, table):
    bad = table.copy()
    bad[700, 1] = np.nan
    with pytest.raises(DomainError, match="values in a block of the source, got NaN"):
        fit(affine(), source_of(bad), validation=0, max_epochs=2, **QUIET)
    bad[700] = [89.0, 0.0]
    with pytest.raises(NonFiniteLoss, match=r"No finite log-density in row 700 of x \(1 of 250"):
        fit(with_layer("overflow"), source_of(bad), validation=0, max_epochs=2, **QUIET)


def test_statistics_are_those_of_all_rows(table):
    flow = Flow(StandardNormal((2,)), Chain([BatchNorm((2,))]))
    result = fit(flow, source_of(table), max_epochs=2, validation=0, **QUIET)
    layers = [node for node in jax.tree.leaves(result.flow, is_leaf=lambda n: isinstance(n, BatchNorm))]
    found = next(node for node in layers if isinstance(node, BatchNorm))
    np.testing.assert_allclose(found.mean.value, table.mean(0), rtol=1e-4)
    np.testing.assert_allclose(found.variance.value, table.var(0), rtol=1e-4)


def test_float64_stays_float64_in_the_thread_too(affine, table):
    seen = set()

    def objective(flow, x, context, weights, key):
        seen.update([x.dtype, weights.dtype])
        return negative_log_likelihood(flow, x, context, weights, key)

    with jax.enable_x64(True):
        fit(affine(), source_of(table.astype(float)), max_epochs=2, objective=objective, **QUIET)
    assert seen == {np.dtype(np.float64)}
