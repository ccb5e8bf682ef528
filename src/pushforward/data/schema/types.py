"""Arrow's types as text, which is how a schema keeps them: what there is, and what one can hold."""

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Group = Literal["text", "truth", "integer", "float", "time", "null"]

_SIMPLE: dict[str, Group] = {
    "string": "text",
    "bool": "truth",
    "null": "null",
    **{f"{sign}int{bits}": "integer" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "halffloat": "float",
    "float": "float",
    "double": "float",
    "date32[day]": "time",
    "date64[ms]": "time",
}
_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns)(?:, tz=([A-Za-z0-9_+\-/:]{1,64}))?\]")
_PER_DAY = {"day": 1, "s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def group_of(kind: str) -> Group | None:
    """Return what a type holds, or None if it is not one of a schema's."""
    return "time" if _TIMESTAMP.fullmatch(kind) else _SIMPLE.get(kind)


def units_per_day(kind: str) -> int:
    """Return how many units of a date's or timestamp's type a day has."""
    found = re.search(r"\[(day|s|ms|us|ns)", kind)
    return _PER_DAY[found.group(1)] if found else 1


def arrow_type(kind: str) -> "pa.DataType":
    """Return Arrow's type of this name, one that `group_of` knows."""
    import pyarrow as pa

    found = _TIMESTAMP.fullmatch(kind)
    if found:
        return pa.timestamp(found.group(1), found.group(2))
    return pa.type_for_alias(kind)
