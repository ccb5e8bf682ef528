"""What a user says of a column: NAME=KIND, such as price=positive, share=interval(0,100), heading=angle(360)."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

from ...errors import ConfigError
from ..table import quoted
from .checks import is_finite_number
from .column import KINDS, Kind

_SPEC = re.compile(r"\s*([a-z-]+)\s*(?:\(([^()]*)\))?\s*")
_NUMBERS: dict[str, tuple[int, int, str]] = {
    "interval": (2, 2, "interval(LOW,HIGH)"),
    "angle": (0, 2, "angle, angle(PERIOD) or angle(PERIOD,LOW)"),
}
"""How many numbers a kind takes, and how it is written."""


@dataclasses.dataclass(frozen=True)
class Override:
    """A kind that a user chose, its numbers, and the text it was written as."""

    kind: Kind
    numbers: tuple[float, ...]
    text: str


def read_overrides(columns: Sequence[str], overrides: Mapping[str, str] | None) -> dict[str, Override]:
    """Return the kinds that a user chose, by column.

    Args:
        columns: the columns that there are.
        overrides: kinds by the names of columns, such as {"price": "positive", "share": "interval(0,100)"}.

    Raises:
        ConfigError: if a column is not there, a kind is not known, or its numbers make no sense.
    """
    missing = [name for name in overrides or {} if name not in columns]
    if missing:
        raise ConfigError(
            f"Kinds were given for columns that the table lacks: {quoted(missing)}. It has: {quoted(columns)}."
        )
    return {name: read_override(name, text) for name, text in (overrides or {}).items()}


def read_override(name: str, text: str) -> Override:
    """Return one column's kind; see `read_overrides`."""
    found = _SPEC.fullmatch(text) if isinstance(text, str) else None
    if not found or found[1] not in KINDS:
        raise ConfigError(f"Column {name!r}: expected a kind, got {text!r}. Kinds: {', '.join(KINDS)}.")
    kind: Kind = KINDS[KINDS.index(found[1])]  # type: ignore[arg-type]
    least, most, written = _NUMBERS.get(kind, (0, 0, kind))
    numbers = _numbers(found[2])
    if numbers is None or not least <= len(numbers) <= most:
        raise ConfigError(f"Column {name!r}: expected {written}, got {text!r}.")
    if kind == "interval" and numbers[0] >= numbers[1]:
        raise ConfigError(f"Column {name!r}: expected LOW < HIGH in interval(LOW,HIGH), got {text!r}.")
    if kind == "angle" and numbers and numbers[0] <= 0:
        raise ConfigError(f"Column {name!r}: expected a positive period in angle(PERIOD), got {text!r}.")
    return Override(kind, numbers, text.strip())


def _numbers(text: str | None) -> tuple[float, ...] | None:
    """Return the numbers between the brackets, none without brackets, or None if they are no numbers."""
    if text is None:
        return ()
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        return None
    return numbers if all(map(is_finite_number, numbers)) else None
