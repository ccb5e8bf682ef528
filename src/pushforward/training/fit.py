"""fit: from rows to a trained flow."""

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
from ..objectives.base import Objective
from ..objectives.likelihood import negative_log_likelihood
from .checkpoint import Checkpoint, fingerprint
from .clock import Clock
from .history import Check, FitResult, History, Stopped
from .loop import Loop
from .optimizer import AnyOptimizer, Optimizer
from .plan import make_plan
from .progress import display
from .record import Job, Record
from .rows import split_rows
from .step import evaluate, to_chunks
from .streams import stream, words


def fit(
    flow: Distribution,
    x: ArrayLike,
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
) -> FitResult:
    """Train a flow, or any other distribution, on rows of data.

    The data stay on the device and many steps run in one compiled call. Ctrl-C ends the training like any
    other reason and returns the best flow so far. A loss that is not finite makes the run go back to an
    earlier check with half the learning rate. On the CPU, without `max_seconds`, the same call gives the same
    bits.

    Args:
        flow: what to train. Its inexact arrays are trained, except those inside a `Frozen`. It is left
            unchanged. Its `BatchNorm` layers take the statistics of each batch in training; for validation, and in
            the flow returned, those of the training rows (of at most 32768), whatever the weights.
        x: events, shape (n, *event_shape), finite.
        context: conditions, shape (n, *context_shape), finite; None exactly if the flow takes none.
        key: a JAX random key; it decides the split, the order of the rows, and dropout.
        weights: one per row, shape (n,), finite, at least 0; only their ratios matter. None weighs rows
            alike.
        validation: the fraction of the rows held out to choose the best flow and to stop early; or such rows
            themselves, x or a tuple (x, context); 0 for none: then the last flow is returned.
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
    clock = Clock(max_seconds)
    shown = display(progress)
    params, fixed = _divided(flow)
    split = split_rows(flow, x, context, weights, validation, stream(key, "split"))
    held_out = 0 if split.validation is None else len(split.validation)
    plan = make_plan(len(split.training), held_out, batch_size, max_epochs, max_seconds, patience)
    optimizer = Optimizer() if optimizer is None else optimizer
    job = Job(params, fixed, split, plan, objective, optimizer, key)
    record, file = Record.fresh(job), None
    if checkpoint is not None:
        settings = {"batch_size": batch_size, "max_epochs": max_epochs, "max_seconds": max_seconds}
        file = Checkpoint(checkpoint, _describe(job, flow, settings | {"patience": patience}))
        record = _resume(file, record, clock)
    loop = Loop(job, record, clock, shown, None if file is None else file.save)
    with shown:
        stopped = loop.run()
        if file is not None:
            file.save(loop.record, now=True)
    return _result(loop, stopped, clock)


def mean_loss(
    flow: Distribution,
    x: ArrayLike,
    context: ArrayLike | None = None,
    *,
    objective: Objective = negative_log_likelihood,
) -> float:
    """Return the mean loss of rows, in nats, by the program with which `fit` validates.

    For as many rows as `fit` validated on, that program is compiled already.

    Args:
        flow: a flow.
        x: events, shape (n, *event_shape), finite.
        context: conditions, shape (n, *context_shape), finite; None exactly if the flow takes none.
        objective: the loss.

    Raises:
        ShapeError: if x or the context does not fit the flow.
        DomainError: if a value is not finite.
    """
    params, fixed = _divided(flow)
    rows = split_rows(flow, x, context, None, 0, stream(jr.key(0), "split")).training
    return float(evaluate(params, fixed, to_chunks(rows), objective=objective))


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


def _resume(file: Checkpoint, fresh: Record, clock: Clock) -> Record:
    record = file.load(fresh)
    if record is None:
        # Written before the first step, so that a folder that is missing is known now and not after an hour.
        file.write(fresh)
        return fresh
    clock.credit(record.seconds)
    return record


def _result(loop: Loop, stopped: Stopped, clock: Clock) -> FitResult:
    record, job = loop.record, loop.job
    # Interrupted before the first check: nothing was compared yet, so what was trained so far is the best.
    unchecked = not record.checks
    params, step = (
        (loop.shown(loop.latest), int(loop.latest.step)) if unchecked else (record.best, record.best_step)
    )
    known = bool(record.checks) and job.split.validation is not None
    if known and math.isinf(record.best_loss):
        warnings.warn(
            "fit: the validation loss was never finite, so the last flow is returned, not the best. "
            "Look at the log_prob of the validation rows.",
            RuntimeWarning,
            stacklevel=3,
        )
    return FitResult(
        flow=eqx.combine(params, job.fixed),
        history=History.of(record.checks),
        best_epoch=step / job.plan.deal.steps,
        best_validation_loss=record.best_loss if known else None,
        stopped=stopped,
        steps=int(loop.latest.step),
        seconds=clock.elapsed(),
        retries=record.retries,
    )
