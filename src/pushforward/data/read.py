"""Reading tables: whole, or in batches where they are larger than memory."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadTable, ConfigError
from .blocks import Block, boolean_columns, read_blocks
from .screen import NonFinite, Screen, rebatch
from .sources import Paths, Source, find_files, inspect
from .table import Table, check_names, match_columns, quoted, source_name
from .typed import rebatch_arrow, table_types, typed_batches

if TYPE_CHECKING:
    import pyarrow as pa


@dataclasses.dataclass(frozen=True)
class TableFiles:
    """The files of one table, their columns matched, no row read yet; made by `scan_table`.

    Attributes:
        columns: names, in the order in which they are read.
        files: paths, in the order in which they are read.
        notes: what was decided about the files, one sentence each, to be shown to the user.
    """

    columns: tuple[str, ...]
    files: tuple[str, ...]
    notes: tuple[str, ...]
    _sources: tuple[tuple[Source, tuple[int, ...]], ...] = dataclasses.field(repr=False)

    @property
    def name(self) -> str:
        """What messages call the table: its file, or its first file and the number of others."""
        return source_name(self.files)

    @property
    def sources(self) -> tuple[tuple[Source, tuple[int, ...]], ...]:
        """The files, and for each the places of the columns in it."""
        return self._sources

    def read(self, *, drop_nonfinite: bool = False, minimum_rows: int | None = None) -> Table:
        """Read all rows; see `read_table`."""
        remedy = "drop_nonfinite=True"
        screen = Screen(self.name, self.columns, "drop" if drop_nonfinite else "refuse", remedy)
        empty = np.empty((0, len(self.columns)))
        values = np.concatenate([empty, *map(screen, self._blocks())])
        screen.close(max(2, len(self.columns)) if minimum_rows is None else minimum_rows)
        return Table(self.columns, values, self.files, (*self.notes, *screen.notes()))

    def batches(
        self, rows: int = 65536, *, nonfinite: NonFinite = "refuse", minimum_rows: int = 1
    ) -> Iterator[np.ndarray]:
        """Read the rows in order, in memory that does not grow with the files.

        Args:
            rows: how many rows each batch has; the last one may have fewer.
            nonfinite: what to do with a row that holds a missing value, NaN or infinity: refuse the table,
                drop the row, or keep it, with NaN for what is missing. A table is refused after its last row,
                so that the message counts them all; batches stop at the first such row.
            minimum_rows: how many rows there must be in all.

        Returns:
            An iterator of arrays of shape (rows, columns), float64.

        Raises:
            ConfigError: if an argument makes no sense.
            BadTable: while iterating, if a file cannot be read, rows differ in length, a column is not of
                numbers, values are missing or not finite, or there are too few rows.
        """
        if rows < 1:
            raise ConfigError(f"{self.name}: expected batches of at least 1 row, got {rows}.")
        remedy = "nonfinite='drop'"
        return self._batches(Screen(self.name, self.columns, nonfinite, remedy), rows, minimum_rows)

    def read_arrow(self) -> "pa.Table":
        """Read all rows with the types of their columns; see the function `read_arrow`."""
        import pyarrow as pa

        types = table_types(self._sources)
        schema = pa.schema(list(zip(self.columns, types, strict=True)))
        return pa.Table.from_batches(self._typed(types), schema=schema)

    def arrow_batches(self, rows: int = 65536) -> Iterator["pa.RecordBatch"]:
        """Read the rows in order and with the types of their columns, in memory that does not grow.

        The types of a text table are those that all its rows allow: it is read once for them, at this call.

        Args:
            rows: how many rows each batch has; the last one may have fewer.

        Returns:
            An iterator of batches that all have the same types.

        Raises:
            ConfigError: if an argument makes no sense.
            BadTable: as the function `read_arrow` does.
        """
        if rows < 1:
            raise ConfigError(f"{self.name}: expected batches of at least 1 row, got {rows}.")
        return rebatch_arrow(self._typed(table_types(self._sources)), rows)

    def _typed(self, types: "Sequence[pa.DataType]") -> "Iterator[pa.RecordBatch]":
        for source, places in self._sources:
            yield from typed_batches(source, places, types)

    def _batches(self, screen: Screen, rows: int, minimum_rows: int) -> Iterator[np.ndarray]:
        yield from rebatch(map(screen, self._blocks()), rows)
        screen.close(minimum_rows)

    def _blocks(self) -> Iterator[Block]:
        for source, places in self._sources:
            yield from read_blocks(source, places)


def read_table(
    paths: Paths,
    columns: Sequence[str] | None = None,
    *,
    drop_nonfinite: bool = False,
    minimum_rows: int | None = None,
) -> Table:
    """Read a table of numbers: CSV, TSV, Parquet or Feather files.

    Several files, or a folder, are one table: their columns are matched by name. A text table whose first
    line is all numbers has no header; its columns are called c1, c2, ... True and false become 1 and 0.

    Args:
        paths: a file or a folder, or several. A folder stands for the tables in it, sorted by name.
        columns: names of the wanted columns in the wanted order, others are left out; by default all.
        drop_nonfinite: drop rows that hold a missing value, NaN or infinity.
        minimum_rows: how many rows there must be; by default as many as fitting needs: as many as there are
            columns, and at least two.

    Returns:
        The table, in float64. Its notes tell what was decided and done.

    Raises:
        BadTable: if a file is missing, broken or not a table; if rows differ in length; if a column is
            missing, has no name or another's name, or holds text or dates; if the files' columns differ; if
            values are missing or not finite; if there are too few rows.

    Example:
        table = read_table("examples/gas-turbine", columns=["AT", "AP", "AH"])
    """
    return scan_table(paths, columns).read(drop_nonfinite=drop_nonfinite, minimum_rows=minimum_rows)


def read_batches(
    paths: Paths,
    columns: Sequence[str] | None = None,
    rows: int = 65536,
    *,
    nonfinite: NonFinite = "refuse",
) -> Iterator[np.ndarray]:
    """Read a table that may be larger than memory in batches.

    Args:
        paths: see `read_table`.
        columns: see `read_table`.
        rows: how many rows each batch has; the last one may have fewer.
        nonfinite: what to do with a row that holds a missing value, NaN or infinity; see
            `TableFiles.batches`.

    Returns:
        An iterator of arrays of shape (rows, columns), float64, in the order of the files.

    Raises:
        BadTable: as `read_table` does: at once for files and columns, while iterating for rows.
    """
    return scan_table(paths, columns).batches(rows, nonfinite=nonfinite)


def read_arrow(paths: Paths, columns: Sequence[str] | None = None) -> "pa.Table":
    """Read a table with the types of its columns: CSV, TSV, Parquet or Feather files, matched by name.

    Text stays text, without the blanks around a cell of a text table; true and false stay truth values; dates
    and times (in text tables those in ISO 8601: 2026-01-31, 2026-01-31 10:00:00, 2026-01-31T10:00:00Z) become
    Arrow's; integers stay integers also where values are missing. Dictionaries become what they hold, decimals
    doubles. A column without a name is left out; `scan_table(..., typed=True)` has a note of it.

    Args:
        paths: see `read_table`.
        columns: see `read_table`.

    Returns:
        The table, null where values are missing. Its column types are those that all rows of all files allow:
        a text table's integers become doubles, and anything becomes text, where one row needs it.

    Raises:
        BadTable: if a file is missing, broken or not a table; if rows differ in length; if a column is missing
            or of a type that is not read (lists, bytes, times of day); if the files' columns or the types of
            a column differ.
    """
    return scan_table(paths, columns, typed=True).read_arrow()


def scan_table(paths: Paths, columns: Sequence[str] | None = None, *, typed: bool = False) -> TableFiles:
    """Find the files of a table and match their columns by name, without reading the rows.

    Args:
        paths: see `read_table`.
        columns: see `read_table`.
        typed: whether the rows will be read with their types. A column without a name is then left out with
            a note instead of being refused, and no note says that truth values are read as numbers.

    Raises:
        BadTable: if a file is missing or not a table, a column is missing or has no name, or the files'
            columns differ.
    """
    files = find_files(paths)
    sources = [inspect(path) for path in files]
    if columns is None:
        if not typed:
            _check_names(sources[0])
        _check_alike(sources)
        wanted = tuple(column for column in sources[0].columns if not _is_index(column))
        check_names(sources[0].path, wanted)
    else:
        check_names(f"{source_name(files)}: the list of columns", columns)
        wanted = tuple(columns)
    matched = [(source, tuple(match_columns(source.path, source.columns, wanted))) for source in sources]
    notes = _notes(files, wanted, matched, typed)
    return TableFiles(wanted, files, notes, tuple(matched))


def _notes(
    files: Sequence[str],
    wanted: Sequence[str],
    matched: Sequence[tuple[Source, tuple[int, ...]]],
    typed: bool,
) -> tuple[str, ...]:
    name, notes = source_name(files), []
    headless = [source for source, _ in matched if not source.has_header]
    if headless:
        count = len(headless[0].columns)
        notes.append(
            f"{source_name([source.path for source in headless])}: no header; columns c1 to c{count}."
        )
    left_out = [column for source, _ in matched for column in source.columns if column not in wanted]
    if typed and any(map(_is_index, left_out)):
        notes.append(f"{name}: a column without a name, which seems to number the rows, is left out.")
        left_out = [column for column in left_out if not _is_index(column)]
    if left_out:
        notes.append(f"{name}: columns left out: {quoted(list(dict.fromkeys(left_out)))}.")
    if typed:
        return tuple(notes)
    truths = dict.fromkeys(column for source, places in matched for column in boolean_columns(source, places))
    if truths:
        notes.append(f"{name}: true and false read as 1 and 0 in columns: {quoted(list(truths))}.")
    return tuple(notes)


def _check_names(first: Source) -> None:
    """Raise a BadTable if a column has no name."""
    nameless = [place for place, column in enumerate(first.columns, start=1) if _is_index(column)]
    if nameless:
        raise BadTable(
            f"{first.path}: column {nameless[0]} has no name; perhaps it only numbers the rows. Remove it, "
            "or name the columns to use with --columns (columns=... in Python)."
        )


def _check_alike(sources: Sequence[Source]) -> None:
    """Raise a BadTable if a file has other columns than the first, those without a name apart."""
    first, *others = (
        (source.path, [column for column in source.columns if not _is_index(column)]) for source in sources
    )
    for path, columns in others:
        missing = [column for column in first[1] if column not in columns]
        extra = [column for column in columns if column not in first[1]]
        if missing or extra:
            parts = [f"without {quoted(missing)}"] if missing else []
            parts += [f"with {quoted(extra)}"] if extra else []
            raise BadTable(
                f"{path}: its columns differ from those of {first[0]}: {', '.join(parts)}. Name the "
                "columns to use with --columns (columns=... in Python)."
            )


def _is_index(column: str) -> bool:
    """Tell whether a column is an index written along: pandas gives it an empty name, or one like this."""
    return not column or column.startswith("__index_level_")
