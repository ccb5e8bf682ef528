"""Table: named columns of numbers, and what can be wrong with them."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ..errors import BadTable, ShapeError


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """Named columns of numbers.

    Attributes:
        columns: names, all different.
        values: shape (rows, columns), float64, read-only.
        sources: the files that the rows come from, in order.
        notes: what was decided and done on the way, one sentence each, to be shown to the user.
    """

    columns: tuple[str, ...]
    values: np.ndarray
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        values = np.ascontiguousarray(self.values, dtype=np.float64).view()
        if np.ndim(self.values) != 2 or values.shape[1] != len(self.columns):
            raise ShapeError(
                f"Table: expected values of shape (rows, {len(self.columns)}), "
                f"got shape {np.shape(self.values)}."
            )
        check_names("Table", self.columns)
        values.flags.writeable = False
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "columns", tuple(self.columns))

    def __len__(self) -> int:
        return self.values.shape[0]

    @property
    def name(self) -> str:
        """What messages call the table: its file, or its first file and the number of others."""
        return source_name(self.sources)

    def select(self, columns: Sequence[str]) -> "Table":
        """Return the table with these columns, in this order; others are left out with a note.

        Args:
            columns: names, such as a fitted model expects.

        Raises:
            BadTable: if a column is missing, or a name is given twice.
        """
        check_names(f"{self.name}: the list of columns", columns)
        places = match_columns(self.name, self.columns, columns)
        extra = [name for name in self.columns if name not in set(columns)]
        notes = (f"{self.name}: columns left out: {quoted(extra)}.",) if extra else ()
        return dataclasses.replace(
            self, columns=tuple(columns), values=self.values[:, places], notes=(*self.notes, *notes)
        )

    def constant_columns(self) -> tuple[str, ...]:
        """Return the names of the columns in which all values are equal: no density exists there."""
        if not len(self):
            return ()
        constant = np.all(self.values == self.values[0], axis=0)
        return tuple(name for name, same in zip(self.columns, constant, strict=True) if same)

    def duplicate_columns(self) -> tuple[tuple[str, str], ...]:
        """Return pairs (first, copy) of columns that are equal in every row: no density exists there."""
        first_with: dict[bytes, str] = {}
        pairs = []
        for name, column in zip(self.columns, self.values.T, strict=True):
            content = (column + 0.0).tobytes()  # the sum turns -0.0 into 0.0, which equals it
            if content in first_with:
                pairs.append((first_with[content], name))
            else:
                first_with[content] = name
        return tuple(pairs)


def match_columns(who: str, columns: Sequence[str], expected: Sequence[str]) -> list[int]:
    """Return the place of each expected column, found by name.

    Args:
        who: what the message calls the table.
        columns: the names that are there.
        expected: the names that are wanted, in the wanted order.

    Raises:
        BadTable: if a column is missing.
    """
    places = {name: place for place, name in enumerate(columns)}
    missing = [name for name in expected if name not in places]
    if missing:
        raise BadTable(f"{who}: columns missing: {quoted(missing)}. It has: {quoted(columns)}.")
    return [places[name] for name in expected]


def check_names(who: str, columns: Sequence[str]) -> None:
    """Raise a BadTable if there is no column, or two have one name."""
    if not columns:
        raise BadTable(f"{who}: expected at least one column, got none.")
    repeated = [name for name in dict.fromkeys(columns) if list(columns).count(name) > 1]
    if repeated:
        raise BadTable(f"{who}: column names must be different; more than once: {quoted(repeated)}.")


def source_name(sources: Sequence[str]) -> str:
    """Return what messages call a table: its file, or its first file and the number of others."""
    if not sources:
        return "table"
    return sources[0] if len(sources) == 1 else f"{sources[0]} and {len(sources) - 1} more"


def quoted(names: Sequence[str], most: int = 20) -> str:
    """Return at most so many names, in quotes and separated by commas, and the number of the others."""
    text = ", ".join(repr(name) for name in names[:most])
    return text if len(names) <= most else f"{text} and {len(names) - most} more"
