import dataclasses
import math
import os
import re
import signal
import threading

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

import pushforward.numerics.programs
import pushforward.training.checkpoint
from pushforward.errors import BadCheckpoint, ConfigError, DomainError, NonFiniteLoss
from pushforward.objectives import negative_log_likelihood
from pushforward.training import Optimizer, fit
from pushforward.training.clock import Clock

KEY = jr.key(0)
FAST = Optimizer(learning_rate=0.1, ema=0.9)
QUIET = {"key": KEY, "progress": False, "optimizer": FAST}


def law(flow):
    """The mean and the deviation that an affine flow has learned."""
    return flow.bijector.shift + flow.bijector.fixed.value, jnp.exp(flow.bijector.log_scale)


def test_it_finds_the_maximum_likelihood_and_leaves_the_flow_alone(affine, table):
    flow = affine()
    result = fit(flow, table, max_epochs=60, validation=0, **QUIET)
    mean, deviation = law(result.flow)
    np.testing.assert_allclose(mean, table.mean(0), atol=0.02)
    np.testing.assert_allclose(deviation, table.std(0), rtol=0.02)
    assert (result.stopped, result.steps, result.best_epoch) == ("epochs", 240, 60.0)
    assert (result.best_validation_loss, result.history.validation_loss) == (None, [])
    assert result.history.epoch == list(range(1, 61))
    np.testing.assert_array_equal(flow.bijector.shift, [0, 0])


def test_history_is_in_nats_and_its_best_is_the_flow(affine, table):
    result = fit(affine(), table, max_epochs=20, validation=table[:100], **QUIET)
    history = result.history
    best = int(np.argmin(history.validation_loss))
    assert result.best_epoch == history.epoch[best]
    assert result.best_validation_loss == history.validation_loss[best]
    np.testing.assert_allclose(
        -result.flow.log_prob(table[:100]).mean(), result.best_validation_loss, rtol=1e-5
    )
    entropy = 0.5 * np.log((2 * np.pi * np.e) ** 2 * 4 * 0.25)
    assert abs(history.train_loss[-1] - entropy) < 0.15
    assert history.learning_rate[-1] < 0.01 * max(history.learning_rate)
    assert history.step == list(range(4, 81, 4))
    assert history.seconds == sorted(history.seconds)


def test_weights_count(affine, table):
    weights = np.where(table[:, 0] > 3, 3.0, 0.0) + np.where(table[:, 1] > -1, 1.0, 0.0)
    result = fit(affine(), table, weights=weights, max_epochs=80, validation=0, **QUIET)
    mean = np.average(table, weights=weights, axis=0)
    deviation = np.sqrt(np.average((table - mean) ** 2, weights=weights, axis=0))
    np.testing.assert_allclose(law(result.flow)[0], mean, atol=0.03)
    np.testing.assert_allclose(law(result.flow)[1], deviation, rtol=0.03)


def test_contexts_are_used(affine, table):
    context = np.random.default_rng(1).normal(size=(1000, 1))
    x = table + context * [2.0, -1.0]
    result = fit(affine(context_features=1), x, context, max_epochs=80, validation=0, **QUIET)
    least_squares = np.polyfit(context[:, 0], x, 1)[0]
    np.testing.assert_allclose(result.flow.bijector.slope[:, 0], least_squares, atol=0.02)


def test_float64_stays_float64(affine, table):
    with jax.enable_x64(True):
        result = fit(affine(), table.astype(float), max_epochs=2, **QUIET)
        assert result.flow.bijector.shift.dtype == np.float64


def test_frozen_numbers_are_neither_trained_nor_decayed(affine, table):
    settings = Optimizer(learning_rate=0.1, weight_decay=1.0)
    result = fit(affine(fixed=5.0), table, max_epochs=2, key=KEY, progress=False, optimizer=settings)
    np.testing.assert_array_equal(result.flow.bijector.fixed.content, [5.0, 5.0])
    assert (result.flow.bijector.shift != 0).all()


def test_it_stops_early_and_returns_the_best(affine, table):
    """The validation rows follow the law that the flow begins with, so training only makes it worse."""
    held_out = np.random.default_rng(2).normal(size=(200, 2))
    result = fit(affine(), table, validation=held_out, patience=3, max_epochs=50, **QUIET)
    assert (result.stopped, result.steps, result.best_epoch) == ("patience", 12, 0.0)
    np.testing.assert_array_equal(result.flow.bijector.shift, [0, 0])
    assert min(result.history.validation_loss) > result.best_validation_loss


def test_the_same_call_gives_the_same_bits_wherever_the_host_looks(affine, table, equal, monkeypatch):
    first = fit(affine(), table, max_epochs=5, **QUIET)
    chance = np.random.default_rng(3)
    monkeypatch.setattr(Clock, "slice_steps", lambda self, most: int(chance.integers(1, most + 1)))
    second = fit(affine(), table, max_epochs=5, **QUIET)
    equal(first.flow, second.flow)
    assert timeless(first.history) == timeless(second.history)
    other = fit(affine(), table, max_epochs=5, **(QUIET | {"key": jr.key(1)}))
    assert other.history.train_loss != first.history.train_loss


def timeless(history):
    return dataclasses.replace(history, seconds=[])


def test_nothing_is_compiled_after_the_first_step(affine, table):
    """Epochs of 899 rows in batches of 225 or 224, slices of any length: one program for all."""
    traced, seen = [], []

    def objective(flow, x, context, weights, key):
        traced.append(x.shape)
        return negative_log_likelihood(flow, x, context, weights, key)

    def progress(check):
        seen.append(len(traced))

    fit(affine(), table[:999], max_epochs=6, key=KEY, objective=objective, progress=progress)
    assert len(seen) == 6
    assert len(set(seen)) == 1
    assert {shape[0] for shape in traced} == {225, 100}


def test_programs_of_earlier_fits_make_room(affine, table, monkeypatch):
    of_before = jax.jit(lambda x: 2 * x)
    of_before(1.0)
    fit(affine(), table, max_epochs=1, **QUIET)
    assert of_before._cache_size() == 1
    monkeypatch.setattr(pushforward.numerics.programs, "_memory_maps", lambda: (60_000, 65_530.0))
    monkeypatch.setattr(pushforward.numerics.programs, "_others", 0)
    fit(affine(), table, max_epochs=1, **QUIET)
    assert of_before._cache_size() == 0


def test_optax_brings_its_own_rate(affine, table):
    result = fit(affine(), table, max_epochs=3, key=KEY, progress=False, optimizer=optax.sgd(0.05))
    assert result.history.learning_rate == [1.0, 1.0, 1.0]
    assert result.history.train_loss[-1] < result.history.train_loss[0]


def test_noise_is_on_in_training_and_off_in_validation(with_layer, table):
    result = fit(with_layer("noise"), table, max_epochs=1, **QUIET)
    assert result.history.train_loss[0] < -900
    assert result.history.validation_loss[0] > 0


def test_long_epochs_are_checked_on_the_way(affine, table, monkeypatch):
    monkeypatch.setattr("pushforward.training.plan.STEPS_BETWEEN_CHECKS", 1)
    result = fit(affine(), table, max_epochs=2, batch_size=128, **QUIET)
    assert result.history.step == [2, 5, 8, 10, 13, 16]
    assert result.history.epoch == [step / 8 for step in result.history.step]


def test_time_ends_it(affine, table):
    """The clock's own tests hold the two per cent; here only that the loop obeys, on a busy machine too."""
    fit(affine(), table, max_epochs=1, **QUIET)  # compiles
    result = fit(affine(), table, max_seconds=1.0, patience=math.inf, **QUIET)
    assert result.stopped == "time"
    assert 0.7 < result.seconds < 2.0
    assert result.history.learning_rate[-1] < 0.05 * FAST.learning_rate


def test_a_time_too_short_to_compile_still_gives_a_check(affine, table):
    result = fit(affine(), table, max_seconds=1e-6, **QUIET)
    assert (result.stopped, result.steps, len(result.history.step)) == ("time", 1, 1)


def interrupt_at(count):
    checks = []

    def progress(check):
        checks.append(check)
        if len(checks) == count:
            raise KeyboardInterrupt

    return progress


def test_ctrl_c_returns_the_best_so_far(affine, table, equal):
    result = fit(affine(), table, max_epochs=50, **(QUIET | {"progress": interrupt_at(3)}))
    assert (result.stopped, result.history.epoch, result.best_epoch) == ("interrupted", [1.0, 2.0, 3.0], 3.0)
    np.testing.assert_allclose(
        negative_log_likelihood(result.flow, jnp.asarray(table), None, jnp.ones(1000)),
        result.best_validation_loss,
        rtol=0.2,
    )


def test_ctrl_c_before_the_first_check_returns_what_is_there(affine, table, monkeypatch):
    calls = []

    def slice_steps(self, most):
        calls.append(most)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return 1

    monkeypatch.setattr(Clock, "slice_steps", slice_steps)
    result = fit(affine(), table, max_epochs=5, **QUIET)
    assert (result.stopped, result.steps, result.history.step, result.best_epoch) == (
        "interrupted",
        2,
        [],
        0.5,
    )
    assert (result.flow.bijector.shift != 0).all()
    assert result.best_validation_loss is None


def test_a_real_signal_during_compiled_code_ends_it(affine, table, heeded_signals):
    fit(affine(), table, max_epochs=1, **QUIET)  # compiles
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    result = fit(affine(), table, max_seconds=30.0, patience=math.inf, **QUIET)
    timer.join()
    assert result.stopped == "interrupted"
    assert result.steps > 0
    assert result.seconds < 10


def test_a_resumed_run_is_the_same_bit_for_bit(affine, table, equal, tmp_path, monkeypatch):
    monkeypatch.setattr(pushforward.training.checkpoint, "SECONDS_BETWEEN", 0.0)
    whole = fit(affine(), table, max_epochs=6, **QUIET)
    resumed = QUIET | {"checkpoint": tmp_path / "run.ckpt"}
    for stop in (2, 3):
        part = fit(affine(), table, max_epochs=6, **(resumed | {"progress": interrupt_at(stop)}))
        assert part.stopped == "interrupted"
    last = fit(affine(), table, max_epochs=6, **resumed)
    equal(whole.flow, last.flow)
    assert timeless(whole.history) == timeless(last.history)
    assert (last.stopped, last.steps, last.best_epoch) == (whole.stopped, whole.steps, whole.best_epoch)
    assert last.seconds > last.history.seconds[-1] > part.history.seconds[-1]
    assert last.history.seconds == sorted(last.history.seconds)
    again = fit(affine(), table, max_epochs=6, **resumed)
    equal(again.flow, last.flow)
    assert again.history == last.history


def test_the_end_of_a_run_is_written_however_recent_the_last_checkpoint_is(affine, table, tmp_path):
    resumed = QUIET | {"checkpoint": tmp_path / "run.ckpt"}
    fit(affine(), table, max_epochs=6, **(resumed | {"progress": interrupt_at(2)}))
    seen = []
    fit(affine(), table, max_epochs=6, **(resumed | {"progress": seen.append}))
    assert [check.epoch for check in seen] == [3.0, 4.0, 5.0, 6.0]


def test_a_checkpoint_of_another_call_is_refused(affine, table, tmp_path):
    path = tmp_path / "run.ckpt"
    fit(affine(), table, max_epochs=1, checkpoint=path, **QUIET)
    message = (
        f"fit: {path} belongs to another run: max_epochs is 1 there, 2 here. "
        "Delete it, or pass another checkpoint path, to start anew."
    )
    with pytest.raises(BadCheckpoint, match=f"^{re.escape(message)}$"):
        fit(affine(), table, max_epochs=2, checkpoint=path, **QUIET)
    others = (
        {"x": table[::-1]},
        {"flow": affine(fixed=1.0)},
        {"key": jr.key(1)},
        {"batch_size": 100},
        {"patience": 3},
        {"objective": lambda *batch: negative_log_likelihood(*batch)},
        {"optimizer": Optimizer()},
        {"optimizer": optax.sgd(0.1)},
        {"max_seconds": 3.0},
    )
    for other in others:
        arguments = {"flow": affine(), "x": table, "max_epochs": 1, "checkpoint": path} | QUIET | other
        name = next(iter(other))
        with pytest.raises(BadCheckpoint, match=f"another run: {'data' if name == 'x' else name} is "):
            fit(**arguments)


def test_a_missing_folder_is_known_before_the_first_step(affine, table, tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        fit(affine(), table, max_epochs=1, checkpoint=tmp_path / "missing" / "run.ckpt", **QUIET)


def test_a_rate_far_too_high_is_halved_until_it_works(with_layer, table, equal):
    """exp(weight + x) overflows after one step of this rate; the guard finds one with which it does not."""
    wild = QUIET | {"optimizer": Optimizer(learning_rate=3000.0, clip=None, warmup=0.0, ema=None)}
    flow = with_layer("overflow", -10.0)
    result = fit(flow, table, max_epochs=3, **wild)
    assert 0 < result.retries < 20
    assert result.history.step == [4, 8, 12]
    assert result.history.learning_rate[0] <= 3000 / 2**result.retries
    assert np.isfinite(result.history.train_loss).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(eqx.filter(result.flow, eqx.is_array)))
    equal(result.flow, fit(flow, table, max_epochs=3, **wild).flow)


def test_a_row_that_always_overflows_is_named(with_layer, table):
    spoilt = table.copy()
    spoilt[123, 0] = 95.0
    with pytest.raises(NonFiniteLoss) as caught:
        fit(with_layer("overflow", -5.0), spoilt, max_epochs=3, validation=0, **QUIET)
    assert re.fullmatch(
        r"fit: step \d gave loss inf and gradient norm (inf|nan), also after going back 8 times with half "
        r"the learning rate each time\. No finite log-density in row 123 of x \(1 of 250 in the batch\)\. "
        r"From data to base, the first log-determinant that is not finite is that of layer 1 \(Plain\) of 2, "
        r"counted from the base\. The largest \|parameter\| is \d\.\d+\.",
        str(caught.value),
    )


def test_an_infinite_weight_is_named(affine, table):
    flow = eqx.tree_at(lambda f: f.bijector.shift, affine(), jnp.array([0.0, jnp.inf]))
    with pytest.raises(NonFiniteLoss) as caught:
        fit(flow, table, max_epochs=3, validation=0, **QUIET)
    text = str(caught.value)
    assert text.startswith("fit: step 0 gave loss ")
    assert (
        "(250 of 250 in the batch). From data to base, the first value that is not finite is that of" in text
    )
    assert text.endswith("layer 0 (ScaleShift) of 1, counted from the base. The largest |parameter| is inf.")


def test_nan_in_the_gradient_alone_is_named(with_layer, table):
    spoilt = table.copy()
    spoilt[7, 0] = 0.0
    frozen_scale = QUIET | {"optimizer": optax.sgd(0.0)}
    with pytest.raises(NonFiniteLoss, match="No finite gradient in row 7 of x") as caught:
        fit(with_layer("nan gradient", 1.0), spoilt, max_epochs=3, validation=0, **frozen_scale)
    assert "first gradient that is not finite is that of layer 1 (Plain) of 2" in str(caught.value)


def test_one_bad_value_is_caught_at_the_door(affine, table):
    spoilt = table.copy()
    spoilt[17, 1] = np.nan
    message = (
        "fit: expected finite float32 values in x, got NaN, infinity or overflow in 1 of 1000 rows, "
        "the first row 17 (column 1: 1). Drop those rows or fill their values."
    )
    with pytest.raises(DomainError, match=f"^{re.escape(message)}$"):
        fit(affine(), spoilt, **QUIET)


def test_a_validation_loss_that_is_never_finite_is_said_and_the_last_flow_is_returned(with_layer, table):
    held_out = table[:10].copy()
    held_out[0, 0] = 200.0
    message = (
        "fit: the validation loss was never finite, so the last flow is returned, not the best. "
        "Look at the log_prob of the validation rows."
    )
    with pytest.warns(RuntimeWarning, match=f"^{re.escape(message)}$"):
        result = fit(with_layer("overflow", -30.0), table, validation=held_out, max_epochs=2, **QUIET)
    assert result.history.validation_loss == [math.inf, math.inf]
    assert (result.stopped, result.best_epoch, result.best_validation_loss) == ("epochs", 2.0, math.inf)
    assert (result.flow.bijector[0].shift != 0).all()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("a string", "fit: expected a flow or another Distribution, got str."),
        (None, "fit: StandardNormal has no inexact array outside of Frozen: nothing to train."),
    ],
)
def test_what_cannot_be_trained_is_refused(table, what, message):
    from pushforward.distributions.normal import StandardNormal

    flow = StandardNormal((2,)) if what is None else what
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        fit(flow, table, **QUIET)
