"""A table's schema, inferred from its rows. The rules for numbers are in `rules.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from ...errors import BadTable, ConfigError
from ..table import check_names
from ..typed import compute
from .checks import LONGEST_TEXT, MOST_CATEGORIES
from .column import Column
from .numbers import Numbers, number_column, time_column
from .override import Override, read_overrides
from .schema import MOST_BYTES, Schema, size_of
from .types import group_of
from .values import decode_column, encode_column, numbers_of, plain_column

if TYPE_CHECKING:
    import pyarrow as pa

Missing = Literal["refuse", "drop", "model"]
_RARE = 0.01
"""From this share of rows with a text of their own on, the user is told of those that will be unseen."""

_REMEDY = "Drop such rows with --missing drop, or model what is missing with --missing model (missing=... in Python)"


def infer_schema(
    table: "pa.Table",
    overrides: Mapping[str, str] | None = None,
    *,
    missing: Missing = "refuse",
    name: str = "table",
) -> Schema:
    """Infer what the columns of a table are. Give it training rows only.

    Numbers: see `rules.py`. Of the other types: **dates and timestamps** are datetime; **truth values** are
    categorical, false before true; **text** is categorical, its levels in the order of their code points, so
    that they do not depend on which rows were drawn and that alike names are neighbours, with missing text as a
    last level if there is any. Text is an identifier if at least half of its rows hold a value that no other
    row has, or if there are more than 1,000 levels or one of more than 200 characters. A column with one value
    alone is constant. Identifiers and constants are not modelled.

    Args:
        table: the rows; dictionaries count as what they hold, decimals as doubles, NaN as missing.
        overrides: kinds by the names of columns: one of `KINDS`, interval(LOW,HIGH), angle(PERIOD) or
            angle(PERIOD,LOW). What the kind leaves open (grid, point masses) is inferred.
        missing: what to do with missing values in modelled columns that are not text: refuse the table, infer
            from the other rows, or model them. Infinite values are refused, or dropped too.
        name: what messages call the table.

    Returns:
        The schema; its notes say what is left out, which values are point masses, what is missing, and which text
        will have many levels that are not seen yet.

    Raises:
        BadTable: if there are no rows, no column to model, a type that is not read, or values are missing or
            infinite where that is refused.
        ConfigError: if an override makes no sense, or does not go with the values.

    Example:
        schema = infer_schema(read_arrow("diamonds.csv"), {"price": "positive"})
    """
    if missing not in ("refuse", "drop", "model"):
        raise ConfigError(f"infer_schema: expected missing 'refuse', 'drop' or 'model', got {missing!r}.")
    check_names(name, table.column_names)
    if not table.num_rows:
        raise BadTable(f"{name}: expected at least 1 row, got 0 rows.")
    chosen = read_overrides(table.column_names, overrides)
    found = [_Found.of(key, table.column(key), chosen.get(key)) for key in table.column_names]
    notes: list[str] = []
    bad = {item.column.name: item for item in found if item.column.modelled and item.bad.any()}
    infinite = any(item.infinite for item in bad.values())
    if bad and (missing == "refuse" or (missing == "model" and infinite)):
        remedy = "Drop such rows with --missing drop (missing='drop' in Python)" if infinite else _REMEDY
        raise BadTable(f"{name}: {_bad_rows(bad, table.num_rows)}. {remedy}.")
    if bad and missing == "drop":
        notes.append(f"{_bad_rows(bad, table.num_rows)}; they were dropped.")
        keep = ~np.any([item.bad for item in bad.values()], axis=0)
        if not keep.any():
            raise BadTable(f"{name}: no row is left: {_bad_rows(bad, table.num_rows)}.")
        kept = table.filter(keep)
        found = [_Found.of(key, kept.column(key), chosen.get(key)) for key in table.column_names]
    elif bad:
        found = [item.with_missing() if item.column.name in bad else item for item in found]
    if missing == "model":
        found = [item.with_missing() if item.is_only_missing else item for item in found]
    columns = _small(found, notes)
    return Schema(tuple(columns), (*notes, *(note for item in found for note in item.notes(columns))))


@dataclass(frozen=True)
class _Found:
    """One column, where its values are missing or infinite (never for text), the shares of its masses, a remark."""

    column: Column
    bad: np.ndarray
    missing: int
    infinite: int
    shares: tuple[float, ...]
    remark: str

    @staticmethod
    def of(name: str, values: object, chosen: Override | None) -> "_Found":
        array = plain_column(name, values)
        group = group_of(str(array.type))
        good = np.ones(len(array), dtype=bool)
        shares: tuple[float, ...] = ()
        missing = infinite = 0
        if chosen and chosen.kind == "identifier":
            column, remark = Column(name, "identifier", str(array.type)), "as told"
        elif group == "text":
            column, remark = _text_column(name, array, chosen)
        else:
            numbers, present = numbers_of(array)
            finite = present & np.isfinite(numbers)
            missing, infinite = int((~present).sum()), int((present & ~finite).sum())
            rows = np.flatnonzero(finite) + 1
            column = _other_column(Numbers(name, str(array.type), numbers[finite], rows), chosen)
            remark = _why_number(numbers[finite]) if column.kind == "identifier" else ""
            good = finite
            if column.masses:
                codes = encode_column(column, array)[finite]
                shares = tuple(float(np.mean(codes == mass)) for mass in column.masses)
        return _Found(column, ~good, missing, infinite, shares, remark)

    def with_missing(self) -> "_Found":
        """Return the same, with the missing values modelled; a constant that may be missing is a category."""
        column = self.column
        if column.kind == "constant":
            ordered = group_of(column.type) != "truth"
            column = Column(
                column.name, "categorical", column.type, categories=(column.constant,), ordered=ordered
            )
        return replace(self, column=replace(column, missing=True))

    @property
    def is_only_missing(self) -> bool:
        """Whether the column has one value, and some rows lack it."""
        return self.column.kind == "constant" and self.missing > 0 and self.column.constant is not None

    def notes(self, columns: list[Column]) -> list[str]:
        """Return what the user should know of the column."""
        name = f"Column {self.column.name!r}"
        if next(column for column in columns if column.name == self.column.name) != self.column:
            return []  # it was left out for its size, and a note says so
        if self.column.kind == "identifier":
            return [f"{name} is left out as an identifier: {self.remark}."]
        if self.column.kind == "constant":
            also = " or missing" if self.is_only_missing else ""
            return [f"{name} is left out: all values are {self.column.constant!r}{also}."]
        notes = [f"{name}: {self.remark}."] if self.remark else []
        if self.column.masses:
            values = decode_column(self.column, np.array(self.column.masses)).to_pylist()
            shown = list(zip(values, self.shares, strict=True))
            shown = sorted(shown, key=lambda item: -item[1])
            parts = [f"{_shown(mass)} ({share:.1%} of the rows)" for mass, share in shown[:3]]
            more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
            notes.append(f"{name} has point masses at {', '.join(parts)}{more}.")
        if self.column.missing:
            notes.append(f"{name}: {self.missing} missing values are modelled.")
        return notes


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _why_number(numbers: np.ndarray) -> str:
    """Return why a column of numbers is an identifier."""
    if len(np.unique(numbers)) == len(numbers):
        return "its numbers differ in every row"
    return "its numbers are too large for doubles to tell them apart"


def _bad_rows(bad: Mapping[str, _Found], count: int) -> str:
    rows = int(np.any([item.bad for item in bad.values()], axis=0).sum())
    parts = []
    for name, item in bad.items():
        counts = [f"{item.missing} missing"] * bool(item.missing) + [f"{item.infinite} infinite"] * bool(
            item.infinite
        )
        parts.append(f"{name!r} {', '.join(counts)}")
    what = "missing or infinite" if any(item.infinite for item in bad.values()) else "missing"
    return f"{rows} of {count} rows with values that are {what} ({'; '.join(parts)})"


def _other_column(numbers: Numbers, chosen: Override | None) -> Column:
    """Return the column of values that are not text."""
    group = group_of(numbers.type)
    if not len(numbers.values):
        return Column(numbers.name, "constant", numbers.type)
    if group == "truth":
        if chosen and chosen.kind not in ("categorical", "constant"):
            raise ConfigError(
                f"Column {numbers.name!r}: expected numbers for {chosen.text}, got true and false. They can be "
                "categorical or identifier."
            )
        levels = tuple(bool(level) for level in np.unique(numbers.values))
        if len(levels) == 1 and not (chosen and chosen.kind == "categorical"):
            return Column(numbers.name, "constant", numbers.type, constant=levels[0])
        if chosen and chosen.kind == "constant":
            truths = replace(numbers, values=numbers.values.astype(bool))
            raise truths.wrong(chosen, "one value", truths.values != truths.values[0])
        return Column(numbers.name, "categorical", numbers.type, categories=levels)
    return time_column(numbers, chosen) if group == "time" else number_column(numbers, chosen)


def _text_column(name: str, values: "pa.Array", chosen: Override | None) -> tuple[Column, str]:
    """Return the column of text, and what to say of it: why it is left out if it is an identifier."""
    pc = compute()

    counted = pc.value_counts(values)
    counts = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    texts = sorted(text for text in counts if text is not None)
    if chosen and chosen.kind not in ("categorical", "constant"):
        shown = ", ".join(f"row {values.index(text).as_py() + 1}: {text[:40]!r}" for text in texts[:3])
        raise ConfigError(
            f"Column {name!r}: expected {'dates or times' if chosen.kind == 'datetime' else 'numbers'} for "
            f"{chosen.text}, got text ({shown}). It can be categorical or identifier."
        )
    levels = (*texts, None) if None in counts else tuple(texts)
    if chosen and chosen.kind == "constant" and len(levels) > 1:
        raise ConfigError(
            f"Column {name!r}: expected one value for constant, got {len(levels)} different ones."
        )
    reason = _too_large(texts)
    if reason and chosen:
        raise ConfigError(f"Column {name!r}: it cannot be {chosen.text}: {reason}.")
    single = sum(counts[text] == 1 for text in texts)
    rows = len(values) - values.null_count
    if not reason and not chosen and len(levels) > 1 and 2 * single >= rows:
        reason = f"{single} of {rows} texts stand in one row only"
    if reason:
        return Column(name, "identifier", "string"), reason
    if len(levels) == 1 and not (chosen and chosen.kind == "categorical" and texts):
        return Column(name, "constant", "string", constant=levels[0]), ""
    remark = (
        f"{single} of {len(values)} rows hold a text that no other row has; about as large a share of new rows will "
        "hold one that the schema does not have"
    )
    return Column(name, "categorical", "string", categories=levels), remark * (single >= _RARE * len(values))


def _too_large(texts: list[str]) -> str:
    """Return why a schema cannot hold these categories, or nothing."""
    longest = max(map(len, texts), default=0)
    if longest > LONGEST_TEXT:
        return f"it holds a text of {longest} characters, more than {LONGEST_TEXT}"
    if len(texts) > MOST_CATEGORIES:
        return f"it holds {len(texts)} different texts, more than {MOST_CATEGORIES}"
    return ""


def _small(found: list[_Found], notes: list[str]) -> list[Column]:
    """Return the columns, the largest made identifiers until the schema is small enough to be stored."""
    columns = [item.column for item in found]
    while size_of(columns) > MOST_BYTES // 2:  # notes need some room too
        place = max(range(len(columns)), key=lambda place: size_of([columns[place]]))
        if not columns[place].categories:
            raise ConfigError(f"infer_schema: {len(columns)} columns are more than a schema can hold.")
        notes.append(
            f"Column {columns[place].name!r} is left out as an identifier: with its "
            f"{len(columns[place].categories)} categories the schema would be too large."
        )
        columns[place] = Column(columns[place].name, "identifier", columns[place].type)
    return columns
