"""Repeated values in columns: rounding, counts and point masses, and noise that spreads them.

A density puts no probability on a single value. Where a column repeats its values, a flexible model can raise
the likelihood without end by placing spikes on them, and its log-densities stop meaning anything. Uniform
noise of the width of the rounding gives back a density, of the value before it was rounded.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from ..errors import BadTable, ConfigError
from .table import Table, match_columns

Kind = Literal["continuous", "discrete", "mass", "constant"]

REPEATED = 10
"""A value counts as repeated from so many rows on: below, no model can tell the spike from chance."""

COARSE = 1e-3
"""Values closer than this share of a column's width are no steps: no model of usual size resolves them."""

_MASS_SHARE, _MASS_RATIO, _NEIGHBOURS = 0.005, 10, 5
"""A point mass has this share of the rows, and so many times the rows of its neighbours on either side."""


@dataclasses.dataclass(frozen=True)
class ColumnTies:
    """How the values of one column repeat. `str` gives a sentence for the user.

    Attributes:
        column: the name.
        kind: "discrete" (most rows share their value with others, on steps that are coarse), "mass"
            (continuous but for single values with many rows), "continuous" or "constant".
        distinct: number of different values.
        distinct_share: the same, as a share of the rows.
        top_value: the most frequent value.
        top_share: its share of the rows.
        repeated_share: share of the rows whose value stands in at least ten rows, the most frequent value
            left out.
        step: the step of the grid that all values lie on, as rounding leaves it, or None if there is no such
            grid.
        resolution: the distance from a value to the nearest other one, at the 5 % quantile of the rows with
            the most frequent value left out: the width of noise that hardly ever carries one value over
            another. 0 if the column is constant.
        masses: the values that are point masses and their shares, the largest first.
    """

    column: str
    kind: Kind
    distinct: int
    distinct_share: float
    top_value: float
    top_share: float
    repeated_share: float
    step: float | None
    resolution: float
    masses: tuple[tuple[float, float], ...]

    def __str__(self) -> str:
        if self.kind == "constant":
            return f"{self.column!r}: all values are {self.top_value:g}"
        text = f"{self.column!r}: {self.distinct} different values"
        if self.kind == "discrete":
            text += f", nearly all at least {self.resolution:.4g} apart"
        if self.kind == "mass":
            text += ", but " + ", ".join(
                f"{share:.1%} of the rows are {value:g}" for value, share in self.masses[:3]
            )
        return text


def find_ties(table: Table) -> tuple[ColumnTies, ...]:
    """Look for repeated values in every column of a table.

    The rule, for a column of n rows. Leave out the most frequent value: the column is "discrete" if at least
    half of the other rows hold a value that stands in 10 rows or more, and the median distance from their
    values to the nearest other value is at least 0.001 of the width of the central 90 % of the rows.
    Otherwise it has a "mass" if some value stands in at least 0.5 % and 10 of the rows, and in 10 times as
    many as each of the five nearest values on either side. Otherwise it is "continuous", however it was
    rounded.

    Args:
        table: finite values.

    Returns:
        One report for each column, in order.

    Raises:
        BadTable: if the table has no rows.
    """
    if not len(table):
        raise BadTable(f"{table.name}: expected at least 1 row, got 0 rows.")
    return tuple(
        _column_ties(name, column) for name, column in zip(table.columns, table.values.T, strict=True)
    )


def jitter_widths(ties: Sequence[ColumnTies]) -> dict[str, float]:
    """Return the widths that "auto" stands for: the resolution of each column of kind "discrete" or "mass".

    A mass on a column that is otherwise finely resolved stays a narrow spike: the noise only keeps its
    density finite.
    """
    return {report.column: report.resolution for report in ties if report.kind in ("discrete", "mass")}


def jitter(
    table: Table,
    columns: Literal["auto"] | Sequence[str] | Mapping[str, float],
    rng: np.random.Generator,
) -> Table:
    """Add uniform noise to columns with repeated values, and note it.

    Args:
        table: finite values.
        columns: "auto" for those that `jitter_widths` chooses; or names, each with noise as wide as its
            resolution; or widths by name, in the columns' units. A width w means noise between -w/2 and w/2.
        rng: where the noise comes from.

    Returns:
        The table with the noise added, and a note for each column that got some. The input is untouched.

    Raises:
        BadTable: if a column is not there.
        ConfigError: if a width is not positive and finite, or a column to be jittered is constant.
    """
    widths = _widths(table, columns)
    places = match_columns(table.name, table.columns, list(widths))
    values, notes = np.array(table.values), list(table.notes)
    for place, (name, width) in zip(places, widths.items(), strict=True):
        if not 0 < width < np.inf:
            raise ConfigError(f"jitter: expected a positive width for column {name!r}, got {width:g}.")
        values[:, place] += rng.uniform(-width / 2, width / 2, len(values))
        notes.append(f"{table.name}: uniform noise of +-{width / 2:.4g} was added to column {name!r}.")
    return dataclasses.replace(table, values=values, notes=tuple(notes))


def _widths(table: Table, columns: Literal["auto"] | Sequence[str] | Mapping[str, float]) -> dict[str, float]:
    if isinstance(columns, Mapping):
        return dict(columns)
    if isinstance(columns, str):
        if columns != "auto":
            raise ConfigError(f"jitter: expected 'auto', names or widths by name, got {columns!r}.")
        return jitter_widths(find_ties(table))
    match_columns(table.name, table.columns, columns)
    return {report.column: report.resolution for report in find_ties(table) if report.column in columns}


def _column_ties(name: str, column: np.ndarray) -> ColumnTies:
    values, counts = np.unique(column, return_counts=True)
    top, rows = int(np.argmax(counts)), len(column)
    nearest, others = _nearest(values), counts.copy()
    others[top] = 0  # the most frequent value may be a mass of its own, and says little of the others
    repeated = others[others >= REPEATED].sum() / max(1, others.sum())
    masses: tuple[tuple[float, float], ...] = ()
    if len(values) == 1:
        kind: Kind = "constant"
    elif repeated >= 0.5 and _quantile(nearest, others, 0.5) >= COARSE * central_width(column):
        kind = "discrete"
    else:
        masses = _masses(values, counts)
        kind = "mass" if masses else "continuous"
    return ColumnTies(
        column=name,
        kind=kind,
        distinct=len(values),
        distinct_share=len(values) / rows,
        top_value=float(values[top]),
        top_share=float(counts[top] / rows),
        repeated_share=float(repeated),
        step=_grid_step(values),
        resolution=_quantile(nearest, others, 0.05) if len(values) > 1 else 0.0,
        masses=masses,
    )


def grid_places(values: np.ndarray, step: float) -> np.ndarray:
    """Return the places of sorted values on a grid of about this step, counted from the first value."""
    return np.concatenate([[0.0], np.cumsum(np.round(np.diff(values) / step))])


def central_width(column: np.ndarray) -> float:
    """Return the width of the central 90 % of the rows, or the range where that is 0."""
    low, high = np.quantile(column, [0.05, 0.95])
    return float(high - low) or float(np.ptp(column))


def _nearest(values: np.ndarray) -> np.ndarray:
    """Return the distance of each of the sorted different values to the nearest other one."""
    gaps = np.concatenate([[np.inf], np.diff(values), [np.inf]])
    return np.minimum(gaps[:-1], gaps[1:])


def _quantile(values: np.ndarray, counts: np.ndarray, share: float) -> float:
    """Return the quantile of values that stand in so many rows each."""
    order = np.argsort(values)
    place = np.searchsorted(np.cumsum(counts[order]), share * counts.sum())
    return float(values[order][min(place, len(values) - 1)])


def _masses(values: np.ndarray, counts: np.ndarray) -> tuple[tuple[float, float], ...]:
    padded = np.pad(counts, _NEIGHBOURS)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEIGHBOURS + 1).copy()
    around[:, _NEIGHBOURS] = 0
    rows = counts.sum()
    needed = np.maximum(max(REPEATED, _MASS_SHARE * rows), _MASS_RATIO * around.max(axis=1))
    found = [
        (float(values[place]), float(counts[place] / rows)) for place in np.flatnonzero(counts >= needed)
    ]
    return tuple(sorted(found, key=lambda item: -item[1]))


def _grid_step(values: np.ndarray) -> float | None:
    """Return the largest step s with all sorted values on v0 + s * integers, or None.

    The step divides the smallest gap by a small whole number. Values written with few digits, after an offset
    was taken off, are off the grid by their own rounding; a tenth of a step is allowed for that. Ten and more
    gaps of continuous values are all within it with a probability below 1e-6.
    """
    gaps = np.diff(values)
    if len(gaps) == 0:
        return None
    for divisor in range(1, 11):
        step = float(gaps.min()) / divisor
        if (values[-1] - values[0]) / step > 1e9:
            return None
        step = float(gaps.sum() / np.round(gaps / step).sum())  # the mean over all gaps is more precise
        if np.all(np.abs(gaps / step - np.round(gaps / step)) <= 0.1):
            return step
    return None
