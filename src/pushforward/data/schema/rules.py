"""What kind of column some numbers are. The rules are conservative: where in doubt, a column is real.

The rules for numbers, in this order; n is the number of rows:

- **constant**: all values are equal.
- **identifier**: whole numbers that differ in every row, and are 0 to n - 1 or 1 to n in any order, or are in a
  column named id, index, row, key or the like (also passenger_id, PassengerId). Other whole numbers are values,
  however many there are.
- **categorical**, ordered: two different values in at least 10 rows; or 3 to 20, each in at least 10 rows.
- **angle**: the name says so (angle, heading, azimuth, bearing, direction, longitude) and the values fill a circle:
  they lie in [0, 360], [-180, 180], [0, 2 pi] or [-pi, pi], and each eighth of it holds at least 1 % of the rows.
- **count**, **integer**: whole numbers on a grid that matters (see `grid.find_grid`). A count has no negative
  values; the smallest is 0 or 1, or it is at most half of the median and the 99 % quantile is more than twice that.
- **proportion**: numbers in [0, 1], not all whole, that come within 0.05 of both ends, or whose name says so
  (share, fraction, proportion, probability, rate).
- **interval** from 0 to 100: numbers in [0, 100], not all whole, that come within 1 of both ends, or of one end
  if the name says so (percent, pct, %). All other intervals are the user's to state: a held-out row outside
  would have no probability at all.
- **positive**: all values are above 0, a point mass at 0 and, on a grid, zeros apart; the smallest is at most a
  tenth of the median; and there are zeros, or the 99 % quantile is more than twice the median: amounts are skewed,
  while temperatures that happen to be above 0 are not. Further from 0 the bound does not matter.
- **heavy-tailed**: more than 1 % of the rows lie more than 3 interquartile ranges outside of the quartiles (a
  normal law has 2 in a million there, an exponential one 0.9 %, Student's with 3 degrees of freedom 1.3 %), and
  at least one more than 8.
- **real**: all others.
"""

import re

import numpy as np

from ..ties import REPEATED
from .column import Kind

MOST_LEVELS = 20
_CIRCLES = ((360.0, 0.0), (360.0, -180.0), (2 * np.pi, 0.0), (2 * np.pi, -np.pi))


def words_of(name: str) -> set[str]:
    """Return the words of a column's name, small: passenger_id and PassengerId have passenger and id."""
    parts = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return {word.lower() for word in re.split(r"[^A-Za-z%]+", parts) if word}


def is_identifier(name: str, values: np.ndarray) -> bool:
    """Tell whether whole numbers only name or number the rows."""
    if len(values) < 2 or len(np.unique(values)) < len(values):
        return False
    if words_of(name) & {"id", "ids", "index", "idx", "row", "rowid", "rownum", "key", "uuid", "guid"}:
        return True
    consecutive = float(values.max()) - float(values.min()) == len(values) - 1
    return bool(values.min() in (0, 1) and consecutive and len(values) > MOST_LEVELS)


def has_few_levels(counts: np.ndarray) -> bool:
    """Tell whether a column has so few different numbers that each is a level."""
    if len(counts) == 2:
        return counts.sum() >= REPEATED
    return len(counts) <= MOST_LEVELS and bool(np.all(counts >= REPEATED))


def find_circle(name: str, values: np.ndarray) -> tuple[float, float] | None:
    """Return the period and the beginning of the circle that a column of angles fills, or None."""
    names = {"angle", "heading", "azimuth", "bearing", "direction", "longitude", "lon", "lng"}
    return fitting_circle(values) if words_of(name) & names else None


def fitting_circle(values: np.ndarray) -> tuple[float, float] | None:
    """Return the period and the beginning of a usual circle that values fill, or None."""
    for period, low in _CIRCLES:
        eighths = np.histogram(values, bins=8, range=(low, low + period))[0]
        if eighths.sum() == len(values) and eighths.min() >= max(1, 0.01 * len(values)):
            return period, low
    return None


def is_count(values: np.ndarray) -> bool:
    """Tell whether whole numbers count something: zero is near, and they are not only some degrees above it."""
    if values.min() < 0:
        return False
    median = np.median(values)
    skewed = values.min() <= median / 2 and np.quantile(values, 0.99) > 2 * median
    return bool(values.min() <= 1 or skewed)


def find_ends(name: str, values: np.ndarray) -> tuple[Kind, float, float] | None:
    """Return the interval that values plainly have, with its kind, or None. They are not all whole."""
    low, high, words = float(values.min()), float(values.max()), words_of(name)
    if low >= 0 and high <= 1:
        named = words & {"share", "fraction", "proportion", "probability", "prob", "rate"}
        if named or (low <= 0.05 and high >= 0.95):
            return "proportion", 0.0, 1.0
    if low >= 0 and 1 < high <= 100:
        near = (low <= 1) + (high >= 99)
        named = words & {"percent", "percentage", "pct", "%"}
        if near == 2 or (named and near):
            return "interval", 0.0, 100.0
    return None


def is_positive(values: np.ndarray, zeros_apart: bool) -> bool:
    """Tell whether values are positive, so near to 0 that it matters, and skewed as amounts are.

    Args:
        values: the numbers.
        zeros_apart: whether zeros are a point mass, or the first level of a grid.
    """
    rest = values[values != 0] if zeros_apart else values
    if not len(rest) or rest.min() <= 0:
        return False
    median = np.median(rest)
    skewed = len(rest) < len(values) or np.quantile(rest, 0.99) > 2 * median
    return bool(rest.min() <= median / 10 and skewed)


def is_heavy_tailed(values: np.ndarray) -> bool:
    """Tell whether far more values are far out than a normal law has, and some very far."""
    first, third = np.quantile(values, [0.25, 0.75])
    width = third - first
    beyond = np.maximum(first - values, values - third)
    return bool(width > 0 and np.mean(beyond > 3 * width) > 0.01 and beyond.max() > 8 * width)
