"""Numbers and values as a reader wants them."""

import math
from collections.abc import Sequence
from typing import Any

from ..data.schema import Column, Schema

_LONGEST = 120


def number(value: float, digits: int = 4) -> str:
    """Return a number with so many significant digits."""
    if value != value:
        return "not known"
    if value and (abs(value) < 1e-4 or abs(value) >= 1e7) and math.isfinite(value):
        return f"{value:.{digits - 1}e}"
    text = f"{value:,.{digits}g}"
    return f"{value:,.0f}" if "e" in text else text


def nats(value: float, error: float | None = None) -> str:
    """Return a log-likelihood, with its standard error if there is one."""
    text = f"{value:.3f}"
    text = text.removeprefix("-") if float(text) == 0 else text
    return text if error is None or error != error else f"{text} \N{PLUS-MINUS SIGN} {error:.3f}"


def share(part: float) -> str:
    """Return a share in per cent."""
    return f"{part:.2%}" if 0 < part < 0.01 else f"{part:.1%}"


def seconds(count: float) -> str:
    """Return a time."""
    return f"{count:.1f} seconds" if count < 120 else f"{count / 60:.1f} minutes"


def value_of(column: Column, code: float) -> str:
    """Return the value that a code of a column stands for, as the table has it."""
    return cell(Schema((column,)).decode([[code]]).column(0).to_pylist()[0])


def cell(value: Any) -> str:
    """Return a value of a table as text of bounded length."""
    if value is None or (isinstance(value, float) and value != value):
        return "missing"
    text = number(value, 7) if isinstance(value, float) else str(value)
    text = text.replace(",", "") if isinstance(value, float) else text
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"


def listing(names: Sequence[str], most: int = 12) -> str:
    """Return names in a row, the first ones of many."""
    shown = ", ".join(name if name.strip() else repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
