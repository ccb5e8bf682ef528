"""What an encoder learns from the codes of training rows: cells, edges of levels and classes, splines of values."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..bijectors.marginals import Marginals
from ..distributions.encoding import Cells, Encoder, LevelCells, ValueCells, fill_edges
from ..errors import ConfigError
from ..numerics.truncated import END
from . import preprocessing

if TYPE_CHECKING:
    from .schema import Column

_FULL = 10
"""A grid whose cells hold fewer rows on average is smoothed by a spline through quantiles, not through every edge."""

_EDGES = 512
"""The most cells of a grid that has a knot at each edge."""

_OUTSIDE = 0.5
"""How many rows are thought to lie beyond either end of what the training rows show of an open grid."""


def cells_of(columns: Sequence["Column"], codes: np.ndarray) -> tuple[Cells, ...]:
    """Return how the codes of a schema's columns become coordinates.

    Args:
        columns: those that are modelled.
        codes: of the training rows, shape (n, columns), NaN where missing.

    Raises:
        ConfigError: if a value is missing where none may be, or a column has nothing but its special values.
    """
    return tuple(_cells(column, values) for column, values in zip(columns, codes.T, strict=True))


def _cells(column: "Column", values: np.ndarray) -> Cells:
    missing = np.isnan(values)
    if column.kind == "categorical":
        return Cells("levels", count=len(column.categories), step=1.0)
    if missing.any() and not column.missing:
        raise ConfigError(
            f"{column.name}: expected a value in every row, got {missing.sum()} that are missing."
        )
    if column.kind == "angle":
        return Cells("angle", start=column.low or 0.0, period=column.period or 360.0)
    density = column.measure == "density"
    if column.step is not None:
        ends = {"step": column.step, "start": column.start, "low": column.low, "high": column.high}
        return Cells("values", **ends, masses=column.masses, missing=column.missing, density=density)
    bare = _bare(values, column.masses)
    low, high, scale = _support(column.low, column.high, bare)
    ends = {"low": low, "high": high, "scale": scale}
    return Cells("values", **ends, masses=column.masses, missing=column.missing)


def _support(
    low: float | None, high: float | None, values: np.ndarray
) -> tuple[float | None, float | None, float]:
    """Return a support that holds all values inside, and how near to its end a half-line is bent.

    A value at the very end of its support has no logit; then the end is moved out by a millionth of the spread.
    """
    spread = float(np.ptp(values)) or 1.0
    bottom = None if low is None else min(low, _before(values.min(), spread) if values.min() <= low else low)
    top = (
        None if high is None else max(high, -_before(-values.max(), spread) if values.max() >= high else high)
    )
    near = [abs(float(np.median(values)) - end) for end in (bottom, top) if end is not None]
    return bottom, top, float(max(min(near, default=spread), 1e-6 * spread))


def _before(end: float, spread: float) -> float:
    # In float32 a number has 24 bits: less than 64 rounding steps would be lost in the differences.
    return float(end - max(1e-6 * spread, 64 * float(np.finfo(np.float32).eps) * abs(end)))


def _bare(values: np.ndarray, masses: Sequence[float]) -> np.ndarray:
    """Return the values that are neither missing nor masses."""
    return values[~np.isnan(values) & ~np.isin(values, np.asarray(masses, float))]


def learn_encoder(cells: Sequence[Cells], codes: np.ndarray, knots: int) -> Encoder:
    """Return the encoder under which every column of the training rows is standard normal.

    Args:
        cells: one for each column.
        codes: of the training rows, shape (n, columns), NaN where missing.
        knots: the most knots of a continuous column's spline.

    Raises:
        ConfigError: if a code is not a level, or a column has fewer than two values besides its special ones.
    """
    columns = list(zip(cells, codes.T, strict=True))
    levels = [(column, values) for column, values in columns if column.kind == "levels"]
    numbers = [(column, values) for column, values in columns if column.kind == "values"]
    blank = Encoder.blank(cells, 2)
    parts = []
    for part in blank.parts:
        if isinstance(part, LevelCells):
            edges = fill_edges([_level_edges(column, values) for column, values in levels])
            parts.append(LevelCells(edges, part.cells))
        elif isinstance(part, ValueCells):
            edges = [_class_edges(column, values) for column, values in numbers if column.classes]
            marginals = _marginals(numbers, knots)
            parts.append(ValueCells(marginals, fill_edges(edges) if edges else None, part.cells))
        else:
            parts.append(part)
    return Encoder(tuple(parts), tuple(cells))


def _level_edges(cells: Cells, values: np.ndarray) -> np.ndarray:
    index = np.round((values - cells.start) / (cells.step or 1.0))
    if not ((index >= 0) & (index < cells.count)).all():
        raise ConfigError(
            f"learn_encoder: expected codes of {cells.count} levels, got others among the rows."
        )
    return _edges(np.bincount(index.astype(int), minlength=cells.count))


def _class_edges(cells: Cells, values: np.ndarray) -> np.ndarray:
    special = [np.sum(values == mass) for mass in cells.masses] + [np.isnan(values).sum()] * cells.missing
    return _edges(np.array([*special, len(values) - sum(special)]))


def _edges(counts: np.ndarray) -> np.ndarray:
    """Return the ends of intervals whose standard normal probabilities are the smoothed shares of counts.

    Half a row is added to each: the estimate of Jeffreys' prior, which gives no level the probability zero.
    """
    shares = (counts + 0.5) / np.sum(counts + 0.5)
    # From the nearer side, so that the ends of rare levels at the top keep their digits.
    below, above = np.cumsum(shares)[:-1], np.cumsum(shares[::-1])[::-1][1:]
    inner = np.where(below < above, preprocessing.score(below), -preprocessing.score(above))
    return np.concatenate([[-END], inner, [END]])


def _marginals(columns: list[tuple[Cells, np.ndarray]], knots: int) -> Marginals:
    curves = [_curve(cells, values, knots) for cells, values in columns]
    most = max(len(xs) for xs, _ in curves)
    filled = [preprocessing.fill_knots(xs, ys, most) for xs, ys in curves]
    values, bases = (np.stack(side) for side in zip(*filled, strict=True))
    return Marginals(bases, values, preprocessing.knot_slopes(values, bases))


def _curve(cells: Cells, values: np.ndarray, knots: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the knots of one column: values on the line, and their scores."""
    bare = _bare(values, cells.masses)
    if not len(bare):
        raise ConfigError(
            "learn_encoder: expected values besides the point masses and the missing ones, got none."
        )
    if cells.step is None:
        return preprocessing.quantile_knots(_to_line(bare, cells), knots)
    level = np.round((bare - cells.start) / cells.step).astype(int)
    first, last = level.min(), level.max()
    count = last - first + 1
    if count <= _EDGES and len(bare) >= _FULL * count:
        shares = np.bincount(level - first, minlength=count) + 0.5
        below = np.cumsum(np.concatenate([[_OUTSIDE], shares]))
        ends = cells.start + cells.step * (np.arange(first, last + 2) - 0.5)
        return ends, preprocessing.score(below / (below[-1] + _OUTSIDE))
    # Every value spread evenly over its cell, the same way each time.
    within = (np.argsort(np.argsort(level, kind="stable"), kind="stable") * (math.sqrt(5) - 1) / 2) % 1 - 0.5
    return preprocessing.quantile_knots(bare + cells.step * within, knots)


def _to_line(values: np.ndarray, cells: Cells) -> np.ndarray:
    """`numerics.supports.to_line` in float64."""
    if cells.low is None and cells.high is None:
        return values
    if cells.low is not None and cells.high is not None:
        return np.log(values - cells.low) - np.log(cells.high - values)
    sign, end = (1.0, cells.low) if cells.low is not None else (-1.0, cells.high or 0.0)
    away = sign * (values - end) / cells.scale
    return end + sign * cells.scale * (away + np.log(-np.expm1(-away)))
