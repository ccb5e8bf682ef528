"""The law of each column given all the others, by integrating the joint density along that column."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike

from ..distributions.base import Distribution
from ..errors import ShapeError

NODES = 48
"""Nodes of each of the two passes along a column."""

_AT_ONCE = 1 << 17
"""Densities asked for at a time."""

_STEPS = np.array([0.03, 0.1, 0.3, 1.0])
"""How far beyond the reference's values the nodes go, in ranges of them."""


class Conditionals(NamedTuple):
    """Each element of some rows as the law of its column given the rest of its row sees it; shapes (n, d).

    Attributes:
        log_prob: log p(x_i | all other columns), in nats.
        below: P(column i < x_i | all other columns); uniform on (0, 1) where the law is right.
        mean: E[column i | all other columns].
    """

    log_prob: np.ndarray
    below: np.ndarray
    mean: np.ndarray


def conditionals(
    law: Distribution,
    rows: ArrayLike,
    reference: ArrayLike,
    *,
    columns: Sequence[int] | None = None,
    context: ArrayLike | None = None,
    nodes: int = NODES,
) -> Conditionals:
    """Condition every element of rows on the rest of its row.

    log p(x_i | rest) = log p(x) - log of the integral of p(x with x_i = t) dt.

    The integral is a trapezoidal rule, corrected at the cells' ends, on two sets of nodes, and x_i itself. The first
    set are quantiles of the reference's column, and some beyond its range; the second are quantiles of the
    conditional law that the first have found, so that a law much narrower than its column is met where it is. Along a
    column with few distinct values the law is still integrated as a density.

    No draws, no randomness. The cost is 2 * nodes + 1 log-densities for every element: a million for 1000 rows of 10
    columns.

    Args:
        law: over vectors with d elements, which are real numbers.
        rows: shape (n, d).
        reference: rows that say where the columns live, such as the training rows, shape (m, d), m >= 2.
        columns: places to look at; the others' results are NaN. By default all.
        context: conditions, shape (n, *context_shape) or context_shape, if the law takes any.
        nodes: of each of the two passes.

    Raises:
        ShapeError: if the arrays do not fit the law.

    Accuracy: log_prob within 0.005 nats, below within 0.005 and mean within 0.01 conditional deviations of a normal's
        closed form with correlations up to 0.99; log_prob within 2 % at 8 conditional deviations, and within 0.04
        nats where the column has two separate modes (tests/diagnostics/test_conditionals.py). What the law holds
        beyond twice the reference's range, or in a needle between the nodes of both passes, is not seen.
    """
    values, known = (
        checked("conditionals", name, given, law)
        for name, given in (("rows", rows), ("reference", reference))
    )
    conditions = _rows_of_context(law, context, len(values))
    own = _log_prob(law, values, conditions)
    found = np.full((3, *values.shape), np.nan)
    for column in range(values.shape[1]) if columns is None else columns:
        grid = _grid(known[:, column], nodes)
        step = max(_AT_ONCE // nodes, 1)
        for start in range(0, len(values), step):
            part = slice(start, start + step)
            condition = None if conditions is None else conditions[part]
            found[:, part, column] = _along(law, values[part], own[part], column, grid, condition, nodes)
    return Conditionals(found[0], found[1], found[2])


def checked(who: str, name: str, rows: ArrayLike, law: Distribution) -> np.ndarray:
    """Return rows of a law over vectors in float64, or raise a ShapeError."""
    values = np.asarray(rows, np.float64)
    if len(law.event_shape) != 1:
        raise ShapeError(f"{who}: expected a law over vectors, got events of shape {law.event_shape}.")
    if values.ndim != 2 or values.shape[1:] != law.event_shape or not len(values):
        raise ShapeError(
            f"{who}: expected {name} of shape (n, {law.event_shape[0]}), got shape {values.shape}."
        )
    return values


def _grid(column: np.ndarray, nodes: int) -> np.ndarray:
    """Return quantiles of a column, and nodes beyond its range on both sides."""
    low, high = float(column.min()), float(column.max())
    width = high - low or max(abs(low), 1.0)
    inner = np.quantile(column, np.linspace(0, 1, max(nodes - 2 * len(_STEPS), 2)))
    return np.concatenate([low - width * _STEPS[::-1], inner, high + width * _STEPS])


def _along(
    law: Distribution,
    rows: np.ndarray,
    own: np.ndarray,
    column: int,
    grid: np.ndarray,
    context: np.ndarray | None,
    nodes: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return log-densities, distribution functions and means of one column given the others, shape (n,) each."""
    mine = rows[:, column]
    t = np.concatenate([np.broadcast_to(grid, (len(rows), len(grid))), mine[:, None]], axis=1)
    logs = np.concatenate([_line(law, rows, column, t[:, :-1], context), own[:, None]], axis=1)
    t, logs = _sorted(t, logs)
    more = _quantiles(t, logs, nodes)
    t = np.concatenate([t, more], axis=1)
    t, logs = _sorted(t, np.concatenate([logs, _line(law, rows, column, more, context)], axis=1))
    top = np.max(logs, axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    density = np.exp(logs - top)
    pieces = _pieces(t, density)
    # To first order in a cell, its centre of mass lies width (p1 - p0) / (6 (p0 + p1)) right of its middle.
    middles = (t[:, 1:] + t[:, :-1]) / 2
    turns = np.diff(t, axis=1) ** 2 * np.diff(density, axis=1) / 12
    total = pieces.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # no density anywhere along the line: NaN
        below = np.where(middles < mine[:, None], pieces, 0.0).sum(axis=1) / total
        mean = (middles * pieces + turns).sum(axis=1) / total
        return own - (top[:, 0] + np.log(total)), below, mean


def _pieces(t: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Integrate over every cell: the trapezoidal rule with its end correction, width^2 (p'0 - p'1) / 12.

    Slopes are those of the parabola through three nodes. Where the density jumps, the correction is held at a half of
    the trapezoid.

    Reference: Davis and Rabinowitz 1984, Methods of numerical integration, eq. 2.1.13 (corrected trapezoidal rule).
    """
    widths = np.diff(t, axis=1)
    secants = np.diff(density, axis=1) / np.where(widths > 0, widths, 1.0)
    sums = widths[:, 1:] + widths[:, :-1]
    inner = secants[:, 1:] * widths[:, :-1] + secants[:, :-1] * widths[:, 1:]
    inner = inner / np.where(sums > 0, sums, 1.0)
    slopes = np.concatenate([secants[:, :1], inner, secants[:, -1:]], axis=1)
    plain = widths * (density[:, 1:] + density[:, :-1]) / 2
    return plain + np.clip(widths**2 * -np.diff(slopes, axis=1) / 12, -plain / 2, plain / 2)


def _line(
    law: Distribution, rows: np.ndarray, column: int, t: np.ndarray, context: np.ndarray | None
) -> np.ndarray:
    """Return log-densities of every row with t in place of its element, shape of t."""
    count = t.shape[1]
    x = np.repeat(rows[:, None, :], count, axis=1)
    x[:, :, column] = t
    conditions = None if context is None else np.repeat(context, count, axis=0)
    return _log_prob(law, x.reshape(-1, rows.shape[1]), conditions).reshape(t.shape)


def _quantiles(t: np.ndarray, logs: np.ndarray, nodes: int) -> np.ndarray:
    """Return, for every line, quantiles of the law that its nodes show, blended with the widths of its cells."""
    density = np.exp(logs - np.where(np.isfinite(top := np.max(logs, axis=1, keepdims=True)), top, 0.0))
    pieces = np.diff(t, axis=1) * (density[:, 1:] + density[:, :-1]) / 2
    mass = np.sqrt(pieces)  # not only where the mass is: tails matter, and the first nodes may be rough
    heights = np.concatenate([np.zeros((len(t), 1)), np.cumsum(mass, axis=1)], axis=1)
    targets = (np.arange(nodes) + 0.5) / nodes
    return np.stack(
        [
            np.interp(targets * h[-1], h, x) if h[-1] > 0 else np.full(nodes, x[0])
            for h, x in zip(heights, t, strict=True)
        ]
    )


def _sorted(t: np.ndarray, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(t, axis=1, kind="stable")
    return np.take_along_axis(t, order, axis=1), np.take_along_axis(logs, order, axis=1)


def _log_prob(law: Distribution, x: np.ndarray, context: np.ndarray | None) -> np.ndarray:
    return np.asarray(law.log_prob(x, context), np.float64)


def _rows_of_context(law: Distribution, context: ArrayLike | None, count: int) -> np.ndarray | None:
    if context is None or law.context_shape is None:
        return None if context is None else np.asarray(context)  # the law itself refuses it
    return np.broadcast_to(np.asarray(context), (count, *law.context_shape))
