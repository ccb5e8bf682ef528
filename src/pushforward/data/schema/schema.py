"""Schema: what the columns of a table are, and its rows to codes and back."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ...errors import BadTable, ConfigError, ShapeError
from ..table import check_names, match_columns
from .column import Column
from .types import arrow_type
from .values import decode_column, encode_column, plain_column, support_of

if TYPE_CHECKING:
    import pyarrow as pa

Policy = Literal["refuse", "drop", "keep"]

MOST_BYTES = 1 << 20
"""The most that a schema takes as JSON text."""

_FORMAT = "pushforward schema 1"
_LONGEST_NOTE = 2_000
_MOST_NOTES = 10_000


@dataclass(frozen=True)
class Misfit:
    """How many codes of one column a schema gives no probability. `str` gives a sentence for the user.

    Attributes:
        column: the name.
        rows: how many rows there are.
        unseen: categories that the schema does not have.
        outside: values outside of the ends of the support.
        between: values between the points of the grid.
        missing: missing values that are not modelled.
    """

    column: str
    rows: int
    unseen: int
    outside: int
    between: int
    missing: int

    def __str__(self) -> str:
        parts = (
            (self.unseen, "unseen categories"),
            (self.outside, "outside of the support"),
            (self.between, "between the points of the grid"),
            (self.missing, "missing, which is not modelled"),
        )
        counts = ", ".join(f"{count} {what}" for count, what in parts if count)
        return f"Column {self.column!r}: of {self.rows} values {counts}."


@dataclass(frozen=True)
class Schema:
    """What the columns of a table are. `infer_schema` makes one.

    Attributes:
        columns: all columns, in the table's order.
        notes: what was decided that the user should know, one sentence each.

    Raises:
        BadTable: if there is no column, or two have one name.
        ConfigError: if no column is modelled.
    """

    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_names("Schema", [column.name for column in self.columns])
        if not self.modelled:
            raise ConfigError(
                "Schema: expected at least one column to model; all are constants or identifiers."
            )

    @property
    def modelled(self) -> tuple[Column, ...]:
        """The columns that have codes: all but constants and identifiers."""
        return tuple(column for column in self.columns if column.modelled)

    def encode(
        self, table: "pa.Table | pa.RecordBatch", *, missing: Policy = "refuse", name: str = "table"
    ) -> np.ndarray:
        """Return the codes of a table's rows; its columns are matched by name, others are ignored.

        Integers for doubles, text for categories of any type, other units of time: what converts exactly may
        be of another type than the schema's. Values outside of the support get codes as well, and unseen
        categories the code -1; `check` counts them.

        Args:
            table: the rows, a table or a record batch.
            missing: what to do with values that are missing (or NaN) where the schema does not model it:
                refuse the table, drop the rows, or keep them, with the code NaN.
            name: what messages call the table.

        Returns:
            Codes, shape (rows, modelled columns), float64.

        Raises:
            BadTable: if a column is missing or of a type that does not convert, or missing values are refused.
            ConfigError: if the policy is unknown.
        """
        if missing not in ("refuse", "drop", "keep"):
            raise ConfigError(f"Schema.encode: expected missing 'refuse', 'drop' or 'keep', got {missing!r}.")
        match_columns(name, table.schema.names, [column.name for column in self.modelled])
        codes = np.empty((table.num_rows, len(self.modelled)))
        for place, column in enumerate(self.modelled):
            codes[:, place] = encode_column(column, plain_column(column.name, table.column(column.name)))
        absent = np.isnan(codes) & ~np.array([column.missing for column in self.modelled])
        if missing == "keep" or not absent.any():
            return codes
        if missing == "drop":
            return codes[~absent.any(axis=1)]
        counts = zip(self.modelled, absent.sum(axis=0), strict=True)
        shown = "; ".join(f"{column.name!r} {count}" for column, count in counts if count)
        raise BadTable(
            f"{name}: {int(absent.any(axis=1).sum())} of {table.num_rows} rows with missing values where the "
            f"schema does not model them ({shown}). Drop such rows with --missing drop (missing='drop' in Python)."
        )

    def decode(self, codes: Any) -> "pa.Table":
        """Return the rows of codes, in the table's own types; the inverse of `encode`.

        Constants come back as such; identifiers do not come back. Values lie in the support: codes on a grid
        go to its nearest point, codes beyond an end to that end, and a code -1 becomes a missing value.

        Args:
            codes: shape (rows, modelled columns), NaN where missing.

        Raises:
            ShapeError: if they are of another shape.
        """
        import pyarrow as pa

        codes = self._checked("Schema.decode", codes)
        arrays = iter(decode_column(column, codes[:, place]) for place, column in enumerate(self.modelled))
        columns = [column for column in self.columns if column.kind != "identifier"]
        return pa.table(
            [next(arrays) if column.modelled else _constants(column, len(codes)) for column in columns],
            names=[column.name for column in columns],
        )

    def inside(self, codes: Any) -> np.ndarray:
        """Return where codes lie in the support: bool, shape (rows, modelled columns).

        A code does not where its category is unseen, where it is beyond an end of the support (at an end too,
        if the column is continuous), between the points of a grid of whole numbers, or missing and not modelled.
        """
        codes = self._checked("Schema.inside", codes)
        inside = np.empty(codes.shape, dtype=bool)
        for place, column in enumerate(self.modelled):
            outside, between = support_of(column, codes[:, place])
            absent = np.isnan(codes[:, place])
            inside[:, place] = np.where(absent, column.missing, ~(outside | between))
        return inside

    def check(self, codes: Any) -> tuple[Misfit, ...]:
        """Count the codes that the schema gives no probability, by column and reason.

        Returns:
            One entry for each column that has some.
        """
        codes = self._checked("Schema.check", codes)
        found = []
        for column, values in zip(self.modelled, codes.T, strict=True):
            outside, between = (where & ~np.isnan(values) for where in support_of(column, values))
            absent = 0 if column.missing else int(np.isnan(values).sum())
            out = int(outside.sum())
            unseen = out if column.kind == "categorical" else 0
            found.append(Misfit(column.name, len(values), unseen, out - unseen, int(between.sum()), absent))
        return tuple(item for item in found if item.unseen + item.outside + item.between + item.missing)

    def to_json(self) -> dict[str, Any]:
        """Return the schema as JSON values, at most 1 MiB of text."""
        return {
            "format": _FORMAT,
            "columns": [column.to_json() for column in self.columns],
            "notes": list(self.notes),
        }

    @staticmethod
    def from_json(data: Any) -> "Schema":
        """Return the schema that `to_json` wrote.

        Raises:
            ConfigError: if the data are anything else; everything is checked.
        """
        if not isinstance(data, Mapping) or data.get("format") != _FORMAT:
            raise ConfigError(f'Schema: expected an object with "format": "{_FORMAT}".')
        unknown = [key for key in data if key not in ("format", "columns", "notes")]
        if unknown:
            raise ConfigError(
                f"Schema: unknown entry {str(unknown[0])[:40]!r}. Entries: format, columns, notes."
            )
        columns, notes = data.get("columns"), data.get("notes", [])
        if not isinstance(columns, list) or not columns:
            raise ConfigError("Schema: expected columns to be a list of at least one column.")
        if not isinstance(notes, list) or len(notes) > _MOST_NOTES or not all(map(_is_note, notes)):
            raise ConfigError("Schema: expected notes to be a list of short texts.")
        return Schema(tuple(map(Column.from_json, columns)), tuple(notes))

    def _checked(self, who: str, codes: Any) -> np.ndarray:
        codes = np.asarray(codes, dtype=np.float64)
        if codes.ndim != 2 or codes.shape[1] != len(self.modelled):
            raise ShapeError(
                f"{who}: expected codes of shape (rows, {len(self.modelled)}), got shape {codes.shape}."
            )
        return codes


def read_schema(path: str | os.PathLike[str]) -> Schema:
    """Read a schema file: JSON as `Schema.to_json` gives it; see docs/schema.md.

    Raises:
        ConfigError: if it is not a schema; the message names the file.
        OSError: if it cannot be read.
    """
    name = os.fspath(path)
    with Path(name).open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{name}: not a schema file: it is larger than {MOST_BYTES} bytes.")
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: not a schema file: {str(error).splitlines()[0]}.") from error
    try:
        return Schema.from_json(data)
    except (ConfigError, BadTable) as error:
        raise ConfigError(f"{name}: {error}") from error


def size_of(columns: Sequence[Column]) -> int:
    """Return how many bytes columns take as JSON text."""
    return len(json.dumps([column.to_json() for column in columns]))


def _is_note(note: Any) -> bool:
    return isinstance(note, str) and len(note) <= _LONGEST_NOTE


def _constants(column: Column, rows: int) -> "pa.Array":
    import pyarrow as pa

    kind = arrow_type(column.type)
    if column.constant is None:
        return pa.nulls(rows, kind)
    wide = pa.types.is_temporal(kind)
    raw = (pa.int32() if kind == pa.date32() else pa.int64()) if wide else kind
    return pa.array([column.constant] * rows, raw).cast(kind)
