"""fit: from rows to a trained flow."""

import dataclasses
import math
import os
import warnings
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.random as jr
from jaxtyping import ArrayLike, PRNGKeyArray

from ..bijectors.frozen import trainable
from ..distributions.base import Distribution
from ..errors import ConfigError
from ..numerics.programs import make_room
from ..objectives.base import Objective
from ..objectives.likelihood import negative_log_likelihood
from .checkpoint import Checkpoint, fingerprint
from .clock import Clock
from .gradient import cores_pay
from .history import Check, FitResult, History, Stopped
from .layout import Devices, Layout, make_layout
from .loop import Loop
from .optimizer import AnyOptimizer, Optimizer
from .plan import make_plan
from .progress import display
from .record import Job, Record
from .rows import split_rows
from .step import evaluate, to_chunks
from .stream_source import RowSource, is_source
from .stream_split import split_source
from .streams import stream, words


def fit(
    flow: Distribution,
    x: ArrayLike | RowSource,
    context: ArrayLike | None = None,
    *,
    key: PRNGKeyArray,
    weights: ArrayLike | None = None,
    validation: float | ArrayLike | tuple[ArrayLike, ArrayLike | None] = 0.1,
    batch_size: int = 256,
    max_epochs: int | None = None,
    max_seconds: float | None = None,
    patience: float | None = None,
    objective: Objective = negative_log_likelihood,
    optimizer: AnyOptimizer | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool | Callable[[Check], Any] = True,
    devices: Devices = None,
) -> FitResult:
    """Train a flow, or any other distribution, on rows of data.

    The data stay on the device and many steps run in one compiled call. Ctrl-C ends the training like any
    other reason and returns the best flow so far. A loss that is not finite makes the run go back to an
    earlier check with half the learning rate. On the CPU, without `max_seconds`, the same call gives the same
    bits.

    Rows that do not fit into memory come from a `RowSource`, such as `pushforward.data.TableSource`: a thread
    reads them ahead in random order, and a part of them at a time is on the device. All that is said here holds too.

    Args:
        flow: what to train. Its inexact arrays are trained, except those inside a `Frozen`. It is left
            unchanged. Its `BatchNorm` layers take the statistics of each batch in training; for validation, and in
            the flow returned, those of the training rows (of at most 32768), whatever the weights.
        x: events, shape (n, *event_shape), finite; or a `RowSource` of them.
        context: conditions, shape (n, *context_shape), finite; None exactly if the flow takes none. A source has them
            in its blocks.
        key: a JAX random key; it decides the split, the order of the rows, and dropout.
        weights: one per row, shape (n,), finite, at least 0; only their ratios matter. None weighs rows
            alike.
        validation: the fraction of the rows held out to choose the best flow and to stop early; or such rows
            themselves, x or a tuple (x, context); 0 for none: then the last flow is returned. Of a source a fraction
            holds out at most 100,000 rows, those with a small hash of their number, and keeps them in memory.
        batch_size: the most rows of a step; every epoch deals its rows out evenly.
        max_epochs: the most epochs. If neither this nor `max_seconds` is given: as many as make about 20,000
            steps, at least 10, at most 1000.
        max_seconds: the most seconds, compilation included. The schedule of the learning rate follows the
            time, so it is at its end when the time is over.
        patience: stop after so many epochs without a better validation loss. None: as many as make about
            2,000 steps, at least 10; infinity: never.
        objective: the loss, in nats; see `Objective`.
        optimizer: an `Optimizer`; or any transformation of Optax, with its own learning rate and no average.
        checkpoint: a file to which the run is written after checks, at most every ten seconds, and from which
            it resumes if the file is there and belongs to the same call: on the CPU bit for bit. The state
            before is kept beside it, as `<checkpoint>.previous`.
        progress: True for a bar on standard error if that is a terminal or a notebook; False for nothing; or
            a callable that receives a `Check` after every validation.
        devices: None for JAX's default device; "auto" for up to four cores of a CPU, if JAX shows them as devices
            (`jax_num_cpu_devices`) and the flow gains by them, else for the default device; or several, which share the
            rows of each batch: a number of them, "all", or JAX devices, also those of several processes
            (`jax.distributed`), each of which makes the same call with the same rows. The flow is that of one device
            within rounding. The process of the first device alone writes the checkpoint, which all must be able to
            read, and shows the progress.

    Returns:
        The trained flow with the history of its training.

    Raises:
        ShapeError: if an array does not fit the flow.
        DomainError: if a value is not finite, counted by column, or a weight is negative.
        ConfigError: if an argument is out of its range, or there are too few rows.
        NonFiniteLoss: if a loss or gradient stays not finite in eight tries; names the step, the rows of x
            and the first layer that broke.
        BadCheckpoint: if the checkpoint is of another run or broken.
        OSError: if the checkpoint cannot be written at the start.
    """
    clock, (params, fixed) = Clock(max_seconds), _divided(flow)
    make_room()
    layout = make_layout(devices, pays=cores_pay(params, fixed, objective))
    is_first = layout is None or layout.is_first
    shown = display(progress if is_first else False)
    given, chosen = (context, weights, validation), stream(key, "split")
    split = split_source(flow, x, *given, chosen) if is_source(x) else split_rows(flow, x, *given, chosen)
    held_out = 0 if split.validation is None else len(split.validation)
    plan = make_plan(split.count, held_out, batch_size, max_epochs, max_seconds, patience)
    optimizer = Optimizer() if optimizer is None else optimizer
    fixed = fixed if layout is None else layout.replicated(fixed)
    job = Job(params, fixed, split, plan, objective, optimizer, key, layout)
    record, file = Record.fresh(job), None
    if checkpoint is not None:
        settings = {"batch_size": batch_size, "max_epochs": max_epochs, "max_seconds": max_seconds}
        file = Checkpoint(checkpoint, _describe(job, flow, settings | {"patience": patience}))
        record = _resume(file, record, clock, layout)
    save = file.save if file is not None and is_first else None
    loop = Loop(job, record, clock if layout is None else layout.clock(clock), shown, save)
    with shown:
        stopped = loop.run()
        if save is not None:
            save(loop.record, now=True)
    return _result(loop, stopped, clock)


def mean_loss(
    flow: Distribution,
    x: ArrayLike,
    context: ArrayLike | None = None,
    *,
    objective: Objective = negative_log_likelihood,
    devices: Devices = None,
) -> float:
    """Return the mean loss of rows, in nats, by the program with which `fit` validates.

    For as many rows as `fit` validated on, on the same devices, that program is compiled already.

    Args:
        flow: a flow.
        x: events, shape (n, *event_shape), finite.
        context: conditions, shape (n, *context_shape), finite; None exactly if the flow takes none.
        objective: the loss.
        devices: as in `fit`.

    Raises:
        ShapeError: if x or the context does not fit the flow.
        DomainError: if a value is not finite.
    """
    params, fixed = _divided(flow)
    rows = split_rows(flow, x, context, None, 0, stream(jr.key(0), "split")).training
    layout = make_layout(devices, pays=cores_pay(params, fixed, objective))
    if layout is not None:
        params, fixed = layout.replicated((params, fixed))
    return float(evaluate(params, fixed, to_chunks(rows, layout), objective=objective))


def _divided(flow: Distribution) -> tuple[Any, Any]:
    if not isinstance(flow, Distribution):
        raise ConfigError(f"fit: expected a flow or another Distribution, got {type(flow).__name__}.")
    params, fixed = eqx.partition(flow, trainable(flow))
    if not jax.tree.leaves(params):
        raise ConfigError(
            f"fit: {type(flow).__name__} has no inexact array outside of Frozen: nothing to train."
        )
    return params, fixed


def _describe(job: Job, flow: Distribution, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what makes a run this run, as plain data."""
    optimizer = job.optimizer
    return {
        # First the key: the split, and so the data, depend on it.
        "key": words(job.key),
        "data": job.split.fingerprint(),
        "flow": fingerprint(flow),
        "objective": getattr(job.objective, "__qualname__", type(job.objective).__qualname__),
        "optimizer": repr(optimizer) if isinstance(optimizer, Optimizer) else type(optimizer).__qualname__,
        **settings,
    }


def _resume(file: Checkpoint, fresh: Record, clock: Clock, layout: Layout | None) -> Record:
    record = file.load(fresh)
    if layout is not None:
        step = int(layout.agreed(fresh.step if record is None else record.step))
        if step != (fresh.step if record is None else record.step):
            raise ConfigError("fit: expected every process to see the same checkpoint, got another one here.")
    if record is None:
        # Written before the first step, so that a folder that is missing is known now and not after an hour.
        if layout is None or layout.is_first:
            file.write(fresh)
        return fresh
    clock.credit(record.seconds)
    if layout is None:
        return record
    state, best = layout.replicated((record.state, record.best))
    return dataclasses.replace(record, state=state, best=best)


def _result(loop: Loop, stopped: Stopped, clock: Clock) -> FitResult:
    record, job = loop.record, loop.job
    # Interrupted before the first check: nothing was compared yet, so what was trained so far is the best.
    unchecked = not record.checks
    params, step = (
        (loop.shown(loop.latest), int(loop.latest.step)) if unchecked else (record.best, record.best_step)
    )
    flow = eqx.combine(params, job.fixed)
    known = bool(record.checks) and job.split.validation is not None
    if known and math.isinf(record.best_loss):
        warnings.warn(
            "fit: the validation loss was never finite, so the last flow is returned, not the best. "
            "Look at the log_prob of the validation rows.",
            RuntimeWarning,
            stacklevel=3,
        )
    return FitResult(
        flow=flow if job.layout is None else job.layout.local(flow),
        history=History.of(record.checks),
        best_epoch=step / job.plan.deal.steps,
        best_validation_loss=record.best_loss if known else None,
        stopped=stopped,
        steps=int(loop.latest.step),
        seconds=clock.elapsed(),
        retries=record.retries,
    )
