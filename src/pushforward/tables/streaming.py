"""fit_table for tables that do not fit into memory: one pass to learn from a sample, then training on the stream."""

import dataclasses
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax.random as jr
import numpy as np
from jaxtyping import PRNGKeyArray

from ..bijectors.base import Bijector
from ..data import preprocessing
from ..errors import ConfigError, DomainError, ShapeError
from ..training import Check, RowSource, fit
from ..training.layout import Devices
from ..training.stream_source import count_rows, numbered
from ..training.stream_split import MOST_HELD_OUT, Without, among, as_rows, chosen
from ..training.streams import words
from . import fitting
from .conditions import Conditions
from .default import settings_for
from .preparation import Prepared, check_rows, prepare

SAMPLE = 200_000
"""About the most training rows from which the preprocessing is learned."""


@dataclasses.dataclass(frozen=True)
class Survey:
    """What one pass over a source tells.

    Attributes:
        source: the rows to train on.
        columns: names.
        sample: some of them, chosen by a hash of their numbers, shape (n, features).
        held_out: the validation rows.
        lows: the least value of each column, of all rows.
        highs: the greatest.
        rows: how many rows there are, validation rows included.
        notes: what the user should know, one sentence each.
    """

    source: RowSource
    columns: tuple[str, ...]
    sample: np.ndarray
    held_out: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    rows: int
    notes: tuple[str, ...]


def survey(
    source: RowSource,
    *,
    key: PRNGKeyArray,
    columns: Sequence[str] | None = None,
    validation: float = 0.1,
    drop_nonfinite: bool = False,
) -> Survey:
    """Read a source once: check it, hold validation rows out, and take a sample of the others.

    Args:
        source: the rows, blocks of shape (n, features).
        key: decides which rows are held out and sampled.
        columns: names; c1, c2, ... if left out, or those that the source has.
        validation: the share of the rows to hold out, 0 for none; at most about 100,000 rows, kept in memory.
        drop_nonfinite: leave out rows with NaN or infinity, instead of refusing them.

    Raises:
        ShapeError: if blocks are no matrices of as many columns as there are names.
        DomainError: if a value is not finite, counted by column.
        ConfigError: if the share is not in [0, 1), or there are too few rows.
    """
    if not 0 <= validation < 1:
        raise ConfigError(f"fit_table: expected a validation share in [0, 1), got {validation}.")
    total = count_rows(source)
    held = chosen(source, validation, words(jr.fold_in(key, 0)), MOST_HELD_OUT)
    some = chosen(source, 1.0, words(jr.fold_in(key, 3)), int(SAMPLE / (1 - len(held) / max(total, 1))))
    pass_ = _Pass(
        held, some[~among(some, held)], getattr(source, "columns", None) if columns is None else columns
    )
    for found in numbered(source, as_rows, np.arange(len(source.sizes))):
        pass_.see(found.rows.x, found.numbers)
    return pass_.survey(source, total, drop_nonfinite)


class _Pass:
    """What is gathered block by block."""

    def __init__(self, held: np.ndarray, some: np.ndarray, columns: Sequence[str] | None) -> None:
        self._held, self._some, self._columns = held, some, columns
        self._samples: list[np.ndarray] = []
        self._validations: list[np.ndarray] = []
        self._bad: list[np.ndarray] = []
        self._counts = np.zeros(0, np.int64)
        self._lows = self._highs = np.zeros(0)

    def see(self, block: np.ndarray, numbers: np.ndarray) -> None:
        """Take note of a block."""
        if not len(self._counts):
            self._start(block)
        if block.ndim != 2 or block.shape[1] != len(self._lows):
            raise ShapeError(
                f"fit_table: expected blocks of shape (n, {len(self._lows)}), got shape {block.shape}."
            )
        finite = np.isfinite(block)
        whole = finite.all(axis=1)
        if not whole.all():
            self._counts += (~finite).sum(axis=0)
            self._bad.append(numbers[~whole])
            block, numbers = block[whole], numbers[whole]
        if len(block):
            self._lows = np.minimum(self._lows, block.min(axis=0))
            self._highs = np.maximum(self._highs, block.max(axis=0))
            self._samples.append(block[among(numbers, self._some)])
            self._validations.append(block[among(numbers, self._held)])

    def survey(self, source: RowSource, total: int, drop_nonfinite: bool) -> Survey:
        """Return what was found, or raise if the rows are not fit to be trained on."""
        names = list(self._columns or [f"c{place + 1}" for place in range(len(self._lows))])
        bad, notes = np.concatenate([np.zeros(0, np.int64), *self._bad]), []
        if len(bad):
            found = ", ".join(
                f"{name} {count}" for name, count in zip(names, self._counts, strict=True) if count
            )
            if not drop_nonfinite:
                raise DomainError(
                    f"fit_table: expected finite values, got NaN or infinity in: {found} (rows by column)."
                )
            notes.append(f"{len(bad)} of {total} rows with NaN or infinity were dropped ({found}).")
        none = np.zeros((0, len(self._lows)))
        sample = check_rows(np.concatenate([none, *self._samples]), names)
        held_out = np.concatenate([none, *self._validations])
        training = Without(source, np.union1d(bad, self._held))
        notes.append(
            f"The table is streamed: its preprocessing is learned from {len(sample):,} of {count_rows(training):,} "
            f"training rows, and {len(held_out):,} rows are held out, both at random."
        )
        rows = count_rows(training) + len(held_out)
        return Survey(training, tuple(names), sample, held_out, self._lows, self._highs, rows, tuple(notes))

    def _start(self, block: np.ndarray) -> None:
        features = block.shape[1] if block.ndim == 2 else 0
        if not features or (self._columns is not None and len(self._columns) != features):
            expected = "features" if self._columns is None else len(self._columns)
            raise ShapeError(f"fit_table: expected blocks of shape (n, {expected}), got shape {block.shape}.")
        self._counts = np.zeros(features, np.int64)
        self._lows, self._highs = np.full(features, np.inf), np.full(features, -np.inf)


class Scored:
    """A source behind preprocessing, block by block, in float64.

    Args:
        source: rows in the data's units.
        bijectors: the preprocessing, as `data.preprocessing.learn` returns it.
    """

    def __init__(self, source: RowSource, bijectors: Sequence[Bijector]) -> None:
        self._source, self._bijectors = source, list(bijectors)
        self.sizes, self.in_order, self.buffer = source.sizes, source.in_order, source.buffer

    def read(self, groups: Sequence[int]) -> Iterator[np.ndarray]:
        """Return the scores of some groups; see `RowSource`."""
        for block in self._source.read(groups):
            yield preprocessing.to_scores(self._bijectors, as_rows(block).x)[0]

    def describe(self) -> dict[str, Any]:
        """Return what tells the rows from others; see `RowSource`."""
        return self._source.describe()


def fit_survey(
    found: Survey,
    *,
    key: PRNGKeyArray,
    flow: str = "auto",
    options: dict[str, Any] | None = None,
    batch_size: int | None = None,
    max_epochs: int | None = None,
    max_seconds: float | None = None,
    patience: float | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool | Callable[[Check], Any] = True,
    devices: Devices = None,
) -> fitting.TableFit:
    """Fit a flow to a source that was surveyed; the arguments are those of `fit_table`.

    The kind of preprocessing is chosen, and its bijectors are learned, from the sample. Training losses are moved to
    the data's units by the sample's mean log-determinant; validation losses by that of the validation rows themselves.
    """
    start, rows = time.monotonic(), count_rows(found.source)
    settings, said = settings_for(flow, options, batch_size, rows, found.sample.shape[1])
    inner, warned = fitting.build_inner(settings, found.sample.shape[1], 0, jr.fold_in(key, 1))
    finalists = prepare(found.sample, found.held_out)
    if max_epochs is None and max_seconds is None:
        max_epochs = max(round(settings.steps * settings.batch_size / rows), 1)
    epochs = None if max_epochs is None else math.ceil(max_epochs * rows / len(found.sample))
    prepared, tried, result = fitting._best_in_trials(
        inner, finalists, Conditions(), settings, key, epochs, max_seconds, devices
    )
    result = result or fit(
        inner,
        Scored(found.source, prepared.bijectors),
        key=jr.fold_in(key, 2),
        validation=prepared.held_out if len(found.held_out) else 0,
        batch_size=settings.batch_size,
        max_epochs=max_epochs,
        max_seconds=None if max_seconds is None else max(max_seconds - (time.monotonic() - start), 1e-3),
        patience=patience,
        objective=fitting._shifted(prepared),
        optimizer=settings.optimizer,
        checkpoint=checkpoint,
        progress=progress,
        devices=devices,
    )
    training, validation = _likelihoods(result, prepared, devices)
    return fitting.TableFit(
        flow=fitting._joined(result, prepared, Conditions(), settings),
        history=fitting._in_data_units(result.history, prepared),
        train_log_prob=training,
        validation_log_prob=validation,
        settings=settings,
        notes=(*found.notes, *fitting.hurried(result), *said, *tried, *warned),
        stopped=result.stopped,
        steps=result.steps,
        seconds=time.monotonic() - start,
    )


def fit_source(
    source: RowSource,
    *,
    key: PRNGKeyArray,
    columns: Sequence[str] | None,
    validation: Any,
    holdout: str,
    max_seconds: float | None,
    **options: Any,
) -> fitting.TableFit:
    """Survey a source and fit a flow to it: what `fit_table` does with one.

    Raises:
        ConfigError: if `validation` is no share or `holdout` not random, besides what `survey` and `fit_survey` raise.
    """
    if isinstance(validation, bool) or not isinstance(validation, int | float):
        raise ConfigError(
            f"fit_table: expected validation to be a share with a source, got {type(validation).__name__}."
        )
    if holdout != "random":
        raise ConfigError(f"fit_table: expected holdout random with a source, got {holdout!r}.")
    start = time.monotonic()
    found = survey(source, key=key, columns=columns, validation=validation)
    left = None if max_seconds is None else max(max_seconds - (time.monotonic() - start), 1e-3)
    return fit_survey(found, key=key, max_seconds=left, **options)


def _likelihoods(result: Any, prepared: Prepared, devices: Devices) -> tuple[float, float | None]:
    """Return the mean log-densities of sampled training rows and of the validation rows, in the data's units."""
    objective, count = fitting._shifted(prepared), len(prepared.held_out)
    places = fitting.evenly(len(prepared.training), count)
    some = (prepared.training[places], prepared.training_log_dets[places], None)
    training = fitting._mean_log_prob(result.flow, *some, objective, devices)
    if not count:
        return training, None
    held_out = (prepared.held_out, prepared.held_out_log_dets, None)
    return training, fitting._mean_log_prob(result.flow, *held_out, objective, devices)
