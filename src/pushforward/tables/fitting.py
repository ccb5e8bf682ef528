"""fit_table: from the numbers of a table to one flow in the data's units."""

import dataclasses
import math
import os
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..distributions.base import Distribution
from ..distributions.flow import Flow
from ..errors import ConfigError
from ..flows import registry
from ..flows.registry import recorded
from ..flows.table import check_continuous, join
from ..objectives import negative_log_likelihood, negative_log_likelihoods
from ..training import Check, FitResult, History, RowSource, fit, mean_loss
from ..training.layout import Devices
from ..training.stream_source import is_source
from .conditions import Conditions
from .default import Settings, settings_for
from .preparation import (
    Holdout,
    Prepared,
    Split,
    check_context,
    check_rows,
    prepare,
    serial_note,
    split_rows,
)

_TRIAL_STEPS = 300
"""Training steps with which the preprocessing is chosen."""

_LEAST_SECONDS = 60.0
"""If there are fewer seconds for all, there are no trials. They count steps, not seconds: the first one compiles."""

_HARDLY_ANY_STEPS = 100


@dataclasses.dataclass(frozen=True)
class TableFit:
    """What `fit_table` returns; likelihoods are in nats per row, in the data's own units.

    Attributes:
        flow: the fitted law of a row, preprocessing included.
        history: the course of the training.
        train_log_prob: mean log-density of training rows: of as many as there are validation rows, evenly spaced, or of
            all if there are none.
        validation_log_prob: mean log-density of the validation rows; None without any.
        settings: what was chosen, or told.
        notes: what the user should know, one sentence each.
        stopped: why training ended, as in `FitResult`.
        steps: training steps done.
        seconds: time taken by all, compilation included.
        split: the rows that were trained on and those held out; None for a stream.
    """

    flow: Flow
    history: History
    train_log_prob: float
    validation_log_prob: float | None
    settings: Settings
    notes: tuple[str, ...]
    stopped: str
    steps: int
    seconds: float
    split: Split | None = None


def fit_table(
    values: ArrayLike | RowSource,
    *,
    key: PRNGKeyArray,
    context: ArrayLike | None = None,
    columns: Sequence[str] | None = None,
    flow: str = "auto",
    options: dict[str, Any] | None = None,
    validation: float | ArrayLike = 0.1,
    holdout: Holdout = "random",
    batch_size: int | None = None,
    max_epochs: int | None = None,
    max_seconds: float | None = None,
    patience: float | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool | Callable[[Check], Any] = True,
    devices: Devices = None,
) -> TableFit:
    """Fit a flow to the rows of a table, whatever the scales and tails of its columns.

    The columns' marginals and correlations are learned first, from the training rows only, and made part of the
    flow as exact bijectors (`pushforward.data.preprocessing`); the recipe is trained on what remains. What is not
    told is chosen by `settings_for`.

    Args:
        values: the rows, shape (n, features), finite; or a `RowSource` of them, such as `pushforward.data.TableSource`,
            which is streamed: see `tables.streaming`.
        key: a JAX random key; it decides the split, the initial weights and the order of the rows.
        context: conditions, shape (n, context_features), finite: the law of a row given its context is fitted. Units,
            spread and tails of the numbers do not matter: the flow takes them as they are given here.
        columns: names for messages; c1, c2, ... if left out.
        flow: name of a recipe, or "auto".
        options: the recipe's keyword arguments, over those of the default.
        validation: the share of rows held out to choose the best flow, 0 for none, or such rows themselves, with
            contexts as a tuple (rows, contexts).
        holdout: which rows a share holds out: "random" ones; or the "last" ones, right for rows in order of time.
        batch_size: rows of a training step.
        max_epochs: the most epochs.
        max_seconds: the most seconds for all, compilation included.
        patience: stop after so many epochs without a better validation loss.
        checkpoint: as in `fit`.
        progress: as in `fit`.
        devices: as in `fit`.

    Returns:
        The flow in the data's units, with a history and likelihoods in the same units.

    Raises:
        ShapeError: if the values or the contexts are no matrix, or the columns' names are not as many.
        DomainError: if a value is not finite; counts by column.
        ConfigError: if a column or a number of the contexts is constant, a column is equal to another, there are too
            few rows, an option does not fit, or the recipe's law is over whole numbers.
    """
    start = time.monotonic()
    settled: dict[str, Any] = {"key": key, "flow": flow, "options": options, "batch_size": batch_size}
    settled |= {"max_epochs": max_epochs, "max_seconds": max_seconds, "patience": patience}
    settled |= {"checkpoint": checkpoint, "progress": progress, "devices": devices}
    if is_source(values):
        from .streaming import fit_source  # it builds on this module

        if context is not None:
            raise ConfigError("fit_table: expected no context with a source: its rows are streamed without.")
        return fit_source(values, columns=columns, validation=validation, holdout=holdout, **settled)
    rows = check_rows(np.asarray(values), columns)
    split = split_rows(rows, check_context(context, len(rows)), validation, holdout, key)
    found = _fit_split(split, start=start, **settled)
    serial = serial_note(rows, holdout) if len(split.held_out) else ()
    return dataclasses.replace(found, notes=(*serial, *found.notes))


def _fit_split(
    split: Split,
    *,
    start: float,
    key: PRNGKeyArray,
    flow: str,
    options: dict[str, Any] | None,
    batch_size: int | None,
    max_epochs: int | None,
    max_seconds: float | None,
    devices: Devices,
    **training: Any,
) -> TableFit:
    """Fit a flow to rows that are checked and divided; see `fit_table`."""
    settings, chosen = settings_for(flow, options, batch_size, *split.training.shape)
    conditions = Conditions.learned(split)
    features = split.training.shape[1]
    inner, said = build_inner(settings, features, conditions.features, jr.fold_in(key, 1))
    finalists = prepare(split.training, split.held_out)
    if max_epochs is None and max_seconds is None:
        max_epochs = max(round(settings.steps * settings.batch_size / len(split.training)), 1)
    prepared, tried, result = _best_in_trials(
        inner, finalists, conditions, settings, key, max_epochs, max_seconds, devices
    )
    objective, held = _shifted(prepared), len(split.held_out)
    result = result or fit(
        inner,
        prepared.training,
        conditions.training,
        key=jr.fold_in(key, 2),
        validation=conditions.validation(prepared) if held else 0,
        batch_size=settings.batch_size,
        max_epochs=max_epochs,
        max_seconds=None if max_seconds is None else max(max_seconds - (time.monotonic() - start), 1e-3),
        objective=objective,
        optimizer=settings.optimizer,
        devices=devices,
        **training,
    )
    places = evenly(len(split.training), held)
    trained = (prepared.training[places], prepared.training_log_dets[places], conditions.some(places))
    held_out = (prepared.held_out, prepared.held_out_log_dets, conditions.held_out)
    return TableFit(
        flow=_joined(result, prepared, conditions, settings),
        history=_in_data_units(result.history, prepared),
        train_log_prob=_mean_log_prob(result.flow, *trained, objective, devices),
        validation_log_prob=_mean_log_prob(result.flow, *held_out, objective, devices) if held else None,
        settings=settings,
        notes=(*hurried(result), *chosen, *tried, *said),
        stopped=result.stopped,
        steps=result.steps,
        seconds=time.monotonic() - start,
        split=split,
    )


def hurried(result: FitResult) -> tuple[str, ...]:
    """Return a note if the time was over before there was a training to speak of."""
    if result.stopped != "time" or result.steps >= _HARDLY_ANY_STEPS:
        return ()
    steps = "1 training step" if result.steps == 1 else f"{result.steps} training steps"
    return (
        f"The flow is hardly trained: the time, which includes compiling, was over after {steps}. "
        "Allow more time.",
    )


class _Shifted(eqx.Module):
    """The likelihood objective less a constant: with the preprocessing's mean log-determinant, in data units."""

    shift: Array

    def __call__(
        self, flow: Distribution, x: Array, context: Array | None, weights: Array, key: PRNGKeyArray | None
    ) -> Array:
        return negative_log_likelihood(flow, x, context, weights, key) - self.shift

    def row_losses(
        self,
        flow: Distribution,
        x: Array,
        context: Array | None,
        key: PRNGKeyArray,
        *,
        rows: Array,
        size: int,
    ) -> Array:
        return negative_log_likelihoods(flow, x, context, key, rows=rows, size=size) - self.shift


def _shifted(prepared: Prepared) -> _Shifted:
    return _Shifted(jnp.asarray(prepared.training_log_dets.mean(), dtype=float))


def _best_in_trials(
    inner: Flow,
    finalists: list[Prepared],
    conditions: Conditions,
    settings: Settings,
    key: PRNGKeyArray,
    max_epochs: int | None,
    max_seconds: float | None,
    devices: Devices,
) -> tuple[Prepared, list[str], FitResult | None]:
    """Train shortly on each preprocessing; return the best one, a note, and the trial's result if interrupted.

    There are no trials if there is nothing to choose, or less to train than a few times what they cost.
    """
    planned = (
        math.inf if max_epochs is None else max_epochs * len(finalists[0].training) / settings.batch_size
    )
    if len(finalists) == 1 or planned < 5 * _TRIAL_STEPS or (max_seconds or math.inf) < _LEAST_SECONDS:
        return finalists[0], [], None
    epochs = max(round(_TRIAL_STEPS * settings.batch_size / len(finalists[0].training)), 1)
    scores = []
    for prepared in finalists:
        result = fit(
            inner,
            prepared.training,
            conditions.training,
            key=jr.fold_in(key, 2),
            validation=conditions.validation(prepared),
            batch_size=settings.batch_size,
            max_epochs=epochs,
            patience=math.inf,
            objective=_shifted(prepared),
            optimizer=settings.optimizer,
            progress=False,
            devices=devices,
        )
        if result.stopped == "interrupted":
            return prepared, [], result
        losses = _in_data_units(result.history, prepared).validation_loss
        scores.append(-min(losses, default=math.inf))
    # A loss that is not finite is never the best.
    best = int(np.argmax(np.nan_to_num(scores, nan=-np.inf, posinf=-np.inf)))
    shown = "; ".join(
        f"{', '.join(prepared.steps)} {score:.4g}" for prepared, score in zip(finalists, scores, strict=True)
    )
    note = f"Preprocessing was chosen in short trials (nats per validation row): {shown}."
    return finalists[best], [note], None


def evenly(total: int, count: int) -> np.ndarray:
    """Return the places of `count` rows of `total`, evenly spaced; of all for 0, or if there are no more."""
    return np.arange(total) if count == 0 or count > total else np.arange(count) * total // count


def _mean_log_prob(
    flow: Distribution,
    scores: np.ndarray,
    log_dets: np.ndarray,
    context: np.ndarray | None,
    objective: _Shifted,
    devices: Devices,
) -> float:
    """Mean log-density of rows in the data's units, by the program that validated them."""
    loss = mean_loss(flow, scores, context, objective=objective, devices=devices)
    return float(log_dets.mean()) - loss - float(objective.shift)


def build_inner(
    settings: Settings, features: int, context_features: int, key: PRNGKeyArray
) -> tuple[Flow, list[str]]:
    """Return the inner flow, and what its recipe warned of."""
    sizes = {"features": features, "context_features": context_features}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        inner = registry.build(settings.flow, {**sizes, **settings.options}, key)
    check_continuous("fit_table", inner)
    return inner, [str(warning.message) for warning in caught]


def _joined(result: FitResult, prepared: Prepared, conditions: Conditions, settings: Settings) -> Flow:
    """Return the trained flow behind its preprocessing, as the recipe `table` would have built it."""
    inner = result.flow
    if not isinstance(inner, Flow):
        raise ConfigError(f"fit_table: expected a Flow from recipe {settings.flow!r}.")
    return join(
        inner,
        prepared.bijectors,
        conditions.marginals,
        recorded(
            "table",
            features=inner.event_shape[0],
            context_features=conditions.features,
            flow=settings.flow,
            options=settings.options,
            steps=prepared.steps,
            knots=prepared.knots,
            **({} if conditions.marginals is None else {"context_knots": conditions.knots}),
        ),
    )


def _in_data_units(history: History, prepared: Prepared) -> History:
    """Return the history with validation losses moved by the validation rows' own mean log-determinant."""
    if not history.validation_loss:
        return history
    move = float(prepared.training_log_dets.mean() - prepared.held_out_log_dets.mean())
    return dataclasses.replace(history, validation_loss=[loss + move for loss in history.validation_loss])
