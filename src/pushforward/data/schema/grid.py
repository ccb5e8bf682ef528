"""Where the values of a numeric column lie: their decimals, their grid, their point masses, their origin."""

import dataclasses
import math

import numpy as np

from ..table import Table
from ..ties import COARSE, REPEATED, central_width, find_ties, grid_places

_MOST_DECIMALS = 12
_RESOLVED = 0.05
"""The share of a decimal's unit that the type itself may round away; beyond, values are off the grid."""

_LARGEST_WHOLE = 1e15
"""Whole numbers beyond are rounded by float64 itself: no decimals can be told there."""

_ROWS_FOR_COARSE_STEP = 1_000
"""From so many rows on, a grid coarser than the last decimal is believed: off it lies less than 1 row in 300."""

_COARSE_TIED = 1e-4
"""The share of a column's width that a step needs where most rows share their values with others."""

_DOMINANT = 0.5
"""A value with this share of the rows hides the width of the others."""

_FAR = 100
"""Values that are so many times their width are large against their spread: float32 has 7 digits."""

_MASS_SHARE, _MASS_RATIO = 0.002, 10
"""In a tied column without a grid, a point mass has this share, and so many times the median value's rows."""


@dataclasses.dataclass(frozen=True)
class Grid:
    """A grid, in the column's numbers: start + step * whole numbers."""

    step: float
    start: float


def find_decimals(levels: np.ndarray) -> int | None:
    """Return how many decimals write all values exactly, or None if more than 12 are needed.

    Args:
        levels: the different values, of the column's own type: float32 needs fewer decimals than float64.
    """
    numbers = levels.astype(np.float64)
    largest = float(np.abs(numbers).max(initial=0.0))
    for decimals in range(_MOST_DECIMALS + 1):
        if largest * 10**decimals > _LARGEST_WHOLE:
            return None
        rounded = np.round(numbers, decimals)
        near = np.abs(rounded - numbers).max(initial=0.0) <= _RESOLVED * 10.0**-decimals
        if near and np.array_equal(rounded.astype(levels.dtype), levels):
            return decimals
    return None


def find_grid(values: np.ndarray, decimals: int | None) -> Grid | None:
    """Return the grid that all values lie on, or None if they are continuous or the grid is too fine to matter.

    A grid matters if its step is at least a thousandth of the width of the central 90 % of the rows; a
    ten-thousandth where most rows share their values with others. A value that holds half of the rows is left
    out of the width, and the ten-thousandth does not apply: it is a point mass on finer values. The step is one
    of the last decimal; a coarser one that takes all values is believed from 1,000 rows on. Where decimals show
    no such grid, one that repeated values leave after an offset was taken off is looked for, within a tenth of
    its step.

    Args:
        values: finite numbers, float64, at least two different ones.
        decimals: see `find_decimals`.
    """
    ties = find_ties(Table(("",), values[:, None]))[0]
    tied = ties.kind == "discrete"
    fine = tied and ties.top_share < _DOMINANT
    levels = np.unique(values)
    width = _width_without(values, ties.top_value, ties.top_share)
    least = (_COARSE_TIED if fine else COARSE) * width
    if decimals is not None:
        step = _decimal_step(levels, decimals, len(values))
        if step >= least:
            return Grid(step, float(np.round(levels[0], decimals)))
    if tied and ties.step is not None and ties.step >= least:
        places = grid_places(levels, ties.step)
        start = float(np.mean(levels - ties.step * places))
        if np.all(np.abs(levels - start - ties.step * places) <= 0.1 * ties.step):
            return Grid(ties.step, start)
    return None


def find_masses(values: np.ndarray) -> tuple[tuple[float, float], ...]:
    """Return the point masses of a column without a grid and their shares of the rows, ascending.

    They are those that `find_ties` finds; and where most rows share their values with others, also all values
    with at least 0.2 % and 10 of the rows and 10 times the rows of the median value.
    """
    ties = find_ties(Table(("",), values[:, None]))[0]
    masses = dict(ties.masses)
    if ties.kind == "discrete":
        levels, counts = np.unique(values, return_counts=True)
        needed = max(REPEATED, _MASS_SHARE * len(values), _MASS_RATIO * float(np.median(counts)))
        for place in np.flatnonzero(counts >= needed):
            masses[float(levels[place])] = float(counts[place] / len(values))
    return tuple(sorted(masses.items()))


def find_origin(values: np.ndarray) -> float:
    """Return a round number near the values where they are large against their spread, else 0.

    It is such that values and codes are exact inverses in float64 for all values here.
    """
    width = central_width(values)
    if width == 0 or float(np.abs(values).max()) <= _FAR * width:
        return 0.0
    exponent = math.ceil(math.log10(width))
    if exponent >= 0:
        origin = float(round(float(np.median(values)) / 10**exponent)) * 10**exponent
    else:
        origin = round(float(np.median(values)), -exponent)
    exact = np.array_equal((values - origin) + origin, values)
    return origin if exact and math.isfinite(origin) else 0.0


def _decimal_step(levels: np.ndarray, decimals: int, rows: int) -> float:
    """Return the width of the grid of decimals; that of their greatest common divisor for many rows."""
    if rows < _ROWS_FOR_COARSE_STEP:
        return 10.0**-decimals if decimals else 1.0
    wholes = np.rint(levels * 10.0**decimals).astype(np.int64)
    return float(np.gcd.reduce(np.diff(wholes))) / 10**decimals


def _width_without(values: np.ndarray, top: float, share: float) -> float:
    others = values[values != top] if share >= _DOMINANT else values
    return central_width(others) or central_width(values)
