"""What happens to a table before training: checks, the split, the choice of preprocessing."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import jax.random as jr
import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray

from ..bijectors.base import Bijector
from ..data import preprocessing
from ..errors import ConfigError, DomainError, ShapeError

_KINDS = (
    (("marginals", "whitening", "marginals"), ("marginals", "whitening")),
    (("marginals",),),
)
"""Steps of preprocessing by kind: with whitening, and without."""

Holdout = Literal["random", "last"]


class Prepared(NamedTuple):
    """Rows in preprocessed units, and how they came there.

    Attributes:
        bijectors: the preprocessing, from data to base.
        steps: its kinds.
        knots: knots of each marginal spline.
        training: scores of the training rows, shape (n, features).
        training_log_dets: what to add to their log-densities, shape (n,), in nats.
        held_out: scores of the validation rows.
        held_out_log_dets: what to add to their log-densities.
        notes: what the user should know.
    """

    bijectors: list[Bijector]
    steps: tuple[str, ...]
    knots: int
    training: np.ndarray
    training_log_dets: np.ndarray
    held_out: np.ndarray
    held_out_log_dets: np.ndarray
    notes: tuple[str, ...]


def check_rows(values: ArrayLike, columns: Sequence[str] | None) -> np.ndarray:
    """Return the values as a float64 matrix, or raise if no density can be fitted to them."""
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ShapeError(f"fit_table: expected rows of shape (n, features), got shape {rows.shape}.")
    names = [f"c{i + 1}" for i in range(rows.shape[1])] if columns is None else list(columns)
    if len(names) != rows.shape[1]:
        raise ShapeError(f"fit_table: expected {rows.shape[1]} names of columns, got {len(names)}.")
    bad = (~np.isfinite(rows)).sum(axis=0)
    if bad.any():
        counts = ", ".join(f"{name} {count}" for name, count in zip(names, bad, strict=True) if count)
        raise DomainError(
            f"fit_table: expected finite values, got NaN or infinity in: {counts} (rows by column)."
        )
    if len(rows) < max(rows.shape[1], 2):
        raise ConfigError(
            f"fit_table: expected at least {max(rows.shape[1], 2)} rows, as many as columns, got {len(rows)}."
        )
    constant = [name for name, column in zip(names, rows.T, strict=True) if column.min() == column.max()]
    if constant:
        raise ConfigError(
            f"fit_table: constant columns have no density: {', '.join(constant)}. Leave them out."
        )
    _refuse_duplicates(rows, names)
    return rows


def check_context(context: ArrayLike | None, rows: int) -> np.ndarray:
    """Return the contexts as a float64 matrix, without columns if there are none, or raise if they do not fit."""
    if context is None:
        return np.empty((rows, 0))
    values = np.asarray(context, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] == 0 or len(values) != rows:
        raise ShapeError(
            f"fit_table: expected contexts of shape ({rows}, context_features), one for each row, "
            f"got shape {values.shape}."
        )
    if not np.isfinite(values).all():
        raise DomainError(
            f"fit_table: expected finite contexts, got NaN or infinity in {(~np.isfinite(values)).any(axis=1).sum()} "
            f"of {rows} rows."
        )
    constant = np.flatnonzero(values.min(axis=0) == values.max(axis=0))
    if constant.size:
        raise ConfigError(
            f"fit_table: number {constant[0] + 1} of the contexts is constant and tells nothing: leave it out."
        )
    return values


class Split(NamedTuple):
    """Rows to train on and rows held out, with their contexts; of no columns where there are none."""

    training: np.ndarray
    training_context: np.ndarray
    held_out: np.ndarray
    held_out_context: np.ndarray


def split_rows(
    rows: np.ndarray, context: np.ndarray, validation: Any, holdout: Holdout, key: PRNGKeyArray
) -> Split:
    """Divide rows and contexts.

    Args:
        rows: shape (n, features).
        context: shape (n, context_features), context_features of any size, 0 included.
        validation: the share to hold out, or the validation rows themselves; with contexts a tuple of both.
        holdout: which rows a share takes: "random" ones, or the "last" ones.
        key: decides which rows are random.

    Raises:
        ConfigError: if the share is not in [0, 1) or leaves too few rows, or the holdout is unknown.
        ShapeError: if given rows have another number of columns.
    """
    if not isinstance(validation, int | float):
        return Split(rows, context, *_given(validation, rows.shape[1], context.shape[1]))
    if not 0 <= validation < 1:
        raise ConfigError(f"fit_table: expected a validation share in [0, 1), got {validation}.")
    count = round(len(rows) * validation)
    if validation and (count < 1 or len(rows) - count < 2):
        raise ConfigError(
            f"fit_table: {len(rows)} rows are too few to hold out a share of {validation}. "
            "Use validation 0, or more rows."
        )
    if holdout not in ("random", "last"):
        raise ConfigError(f"fit_table: expected holdout random or last, got {holdout!r}.")
    if holdout == "last":
        training, held = slice(len(rows) - count), slice(len(rows) - count, None)
    else:
        order = np.asarray(jr.permutation(jr.fold_in(key, 0), len(rows)))
        training, held = order[count:], order[:count]
    return Split(rows[training], context[training], rows[held], context[held])


def _given(validation: Any, features: int, context_features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return validation rows and their contexts, or raise if they do not fit."""
    given = validation if context_features else (validation, np.empty((len(validation), 0)))
    if not isinstance(given, tuple) or len(given) != 2:
        raise ShapeError(
            "fit_table: expected validation rows with contexts, a tuple (rows, contexts), as the table has contexts, "
            f"got {type(validation).__name__}."
        )
    found = tuple(np.asarray(part, dtype=np.float64) for part in given)
    for part, size, what in zip(found, (features, context_features), ("rows", "contexts"), strict=True):
        if (
            part.ndim != 2
            or part.shape[1] != size
            or len(part) != len(found[0])
            or not np.isfinite(part).all()
        ):
            raise ShapeError(
                f"fit_table: expected finite validation {what} of shape (n, {size}), got shape {part.shape}."
            )
    return found[0], found[1]


def serial_note(rows: np.ndarray, holdout: Holdout) -> list[str]:
    """Return a note if neighbouring rows are alike, as in a time series, and the held-out rows are random ones.

    Random held-out rows then resemble their training neighbours, so their likelihood is too good. Alike means a
    correlation of more than 0.5 between successive rows in half of the columns.
    """
    if holdout != "random" or len(rows) < 100:
        return []
    centred = rows - rows.mean(axis=0)
    # The denominator is positive: no column is constant.
    correlation = (centred[1:] * centred[:-1]).sum(axis=0) / (centred**2).sum(axis=0)
    if np.median(correlation) <= 0.5:
        return []
    return [
        f"Successive rows are alike (median correlation {np.median(correlation):.2f}), as in a time series: the "
        "validation likelihood of random rows is then too good. Hold out the last rows instead (holdout last)."
    ]


def prepare(training: np.ndarray, held_out: np.ndarray) -> list[Prepared]:
    """Learn the preprocessings that are worth training on.

    Two kinds: marginal splines alone; and marginal splines, then whitening, with and without a second round of marginal
    splines. Each is tried with a quarter, half and all of the knots that `knots_for` allows, and of each kind the one
    comes back that gives the validation rows the highest density under a standard normal base. Which kind is better
    shows only in training: a flow learns correlations by itself, and whitening may help or harm it. Without
    validation rows only marginals, whitening and marginals come back, with all knots; for one column one kind.
    """
    most = preprocessing.knots_for(len(training))
    if not len(held_out):
        return [_prepared(training, held_out, _KINDS[0][0], most)]
    sizes = sorted({max(most // 4, 4), max(most // 2, 4), most})
    found = []
    for kind in _KINDS if training.shape[1] > 1 else _KINDS[1:]:
        candidates = [_prepared(training, held_out, steps, knots) for steps in kind for knots in sizes]
        scores = [_gaussian(one.held_out, one.held_out_log_dets) for one in candidates]
        best = int(np.argmax(np.where(np.isnan(scores), -np.inf, scores)))
        if scores[best] > -np.inf:
            found.append(candidates[best])
    if not found:
        raise DomainError("fit_table: no preprocessing gives the validation rows a finite density.")
    return found


def _prepared(training: np.ndarray, held_out: np.ndarray, steps: tuple[str, ...], knots: int) -> Prepared:
    bijectors = preprocessing.learn(training, steps, knots)
    return Prepared(
        bijectors,
        steps,
        knots,
        *preprocessing.to_scores(bijectors, training),
        *preprocessing.to_scores(bijectors, held_out),
        notes=(),
    )


def _gaussian(scores: np.ndarray, log_dets: np.ndarray) -> float:
    """Mean log-density under a standard normal base, less its constant, in nats."""
    return float(np.mean(log_dets - 0.5 * np.sum(scores**2, axis=1)))


def _refuse_duplicates(rows: np.ndarray, names: Sequence[str]) -> None:
    seen: dict[bytes, str] = {}
    for name, column in zip(names, rows.T, strict=True):
        twin = seen.setdefault(np.ascontiguousarray(column).tobytes(), name)
        if twin != name:
            raise ConfigError(
                f"fit_table: columns {twin} and {name} are equal: their joint density is infinite. Leave one out."
            )
