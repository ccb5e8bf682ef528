"""Whether the attributes of a column make sense together. Model files may be hostile, so each one is checked."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...errors import ConfigError
from .types import group_of

if TYPE_CHECKING:
    from .column import Column

MOST_CATEGORIES, LONGEST_TEXT = 1_000, 200
"""A text column with more categories, or with longer ones, is an identifier: a schema stays small."""

MOST_MASSES = 200
_LARGEST = 1e300
_KINDS_OF_TEXT = ("categorical", "constant", "identifier")


def check_column(column: "Column", kinds: Sequence[str]) -> None:
    """Raise a ConfigError that names the first attribute of a column that is wrong."""
    _check(column, "name", "a text of 1 to 1000 characters", _is_name)
    _check(column, "kind", f"one of {', '.join(kinds)}", lambda kind: isinstance(kind, str) and kind in kinds)
    _check(
        column, "type", "a type such as int64", lambda kind: isinstance(kind, str) and bool(group_of(kind))
    )
    for name in ("ordered", "missing"):
        _check(column, name, "true or false", lambda value: isinstance(value, bool))
    _check(column, "origin", "a number", is_finite_number)
    for name in ("low", "high", "start"):
        _check(column, name, "a number or none", lambda value: value is None or is_finite_number(value))
    for name in ("step", "period"):
        _check(column, name, "a positive number or none", lambda value: value is None or _is_positive(value))
    _check(
        column, "decimals", "a whole number from 0 to 22, or none", lambda n: n is None or _is_whole(n, 0, 22)
    )
    _check(column, "multiple", "a positive whole number", lambda n: _is_whole(n, 1, 1 << 62))
    _check(column, "masses", f"at most {MOST_MASSES} ascending numbers", _are_masses)
    _check(column, "categories", _CATEGORIES, _are_categories)
    _check(column, "constant", "text, a number, true, false or none", _is_value)
    _check_together(column)


def _check_together(column: "Column") -> None:
    group, kind = group_of(column.type), column.kind
    if group in ("text", "truth", "null") and kind not in _KINDS_OF_TEXT:
        raise _wrong(column, "kind", f"{', '.join(_KINDS_OF_TEXT)} for type {column.type}")
    if group == "time" and kind not in (*_KINDS_OF_TEXT, "datetime"):
        raise _wrong(column, "kind", f"datetime or {', '.join(_KINDS_OF_TEXT)} for type {column.type}")
    if kind == "datetime" and group != "time":
        raise _wrong(column, "type", "a date or timestamp for kind datetime")
    if (kind == "categorical") != bool(column.categories):
        raise _wrong(column, "categories", "some for kind categorical, none for another")
    if any(value is not None and not _fits(value, group) for value in column.categories):
        raise _wrong(column, "categories", f"values of type {column.type}")
    if (kind == "angle") != (column.period is not None):
        raise _wrong(column, "period", "a length for kind angle, none for another")
    if kind in ("interval", "proportion") and (column.low is None or column.high is None):
        raise _wrong(column, "low", f"both ends for kind {kind}")
    if (column.step is None) != (column.start is None):
        raise _wrong(column, "start", "a point of the grid where there is a step, none where there is not")
    if kind in ("integer", "count") and column.step is None:
        raise _wrong(column, "step", f"a number for kind {kind}")
    if column.low is not None and column.high is not None and column.low >= column.high:
        raise _wrong(column, "high", f"more than low ({column.low:g})")
    low, high = (-math.inf if column.low is None else column.low), column.high
    if any(not low <= mass <= (math.inf if high is None else high) for mass in column.masses):
        raise _wrong(column, "masses", "codes from low to high")
    if column.masses and column.step is not None:
        raise _wrong(column, "masses", "none on a grid")
    if kind == "constant" and not (column.constant is None or _fits(column.constant, group)):
        raise _wrong(column, "constant", f"a value of type {column.type}")


def _check(column: "Column", name: str, expected: str, holds: Callable[[Any], bool]) -> None:
    if not holds(getattr(column, name)):
        raise _wrong(column, name, expected)


def _wrong(column: "Column", name: str, expected: str) -> ConfigError:
    shown = repr(getattr(column, name))
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return ConfigError(f"Column {str(column.name)[:40]!r}: expected {name} to be {expected}, got {shown}.")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 1000


def is_finite_number(value: Any) -> bool:
    """Tell whether a value is a number that a schema may hold: finite, and not of a size that overflows."""
    return type(value) in (int, float) and math.isfinite(value) and abs(value) <= _LARGEST


def _is_positive(value: Any) -> bool:
    return is_finite_number(value) and value > 0


def _is_whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _is_value(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return value is None or isinstance(value, bool) or _is_large(value)


def _is_large(value: Any) -> bool:
    """Whether it is a finite number; whole ones may need all of 64 bits."""
    return _is_whole(value, -(1 << 63), (1 << 64) - 1) if type(value) is int else is_finite_number(value)


def _fits(value: Any, group: str | None) -> bool:
    if group == "text":
        return isinstance(value, str)
    if group == "truth":
        return isinstance(value, bool)
    if group in ("integer", "time"):
        return type(value) is int
    return group == "float" and type(value) in (int, float)


_CATEGORIES = (
    f"at most {MOST_CATEGORIES} different values of at most {LONGEST_TEXT} characters, numbers ascending"
)


def _are_categories(values: Any) -> bool:
    if not isinstance(values, tuple) or len(values) > MOST_CATEGORIES + 1 or not all(map(_is_value, values)):
        return False
    numbers = [value for value in values if type(value) in (int, float)]
    ascending = all(first < second for first, second in itertools.pairwise(numbers))
    return ascending and len({(type(value) is bool, value) for value in values}) == len(values)


def _are_masses(values: Any) -> bool:
    if not isinstance(values, tuple) or len(values) > MOST_MASSES or not all(map(is_finite_number, values)):
        return False
    return all(first < second for first, second in itertools.pairwise(values))
