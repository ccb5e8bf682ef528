"""The rows of one file as blocks of numbers, and what to say where a file holds something else."""

import csv
import dataclasses
import datetime
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadTable
from .sources import DELIMITERS, MISSING, Source, is_number, open_text, reading

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.csv as csv_module

_BLOCK_BYTES = 1 << 22
_BLOCK_ROWS = 65536
_EXAMPLES = 3
_ROWS_FOR_EXAMPLES = 10_000


_Cells = list[tuple[int, str]]  # numbers of lines or rows, and what stands there


@dataclasses.dataclass(frozen=True)
class Block:
    """Some rows of a file: values of shape (rows, columns), NaN where missing; how many are, by column."""

    values: np.ndarray
    missing: np.ndarray


def read_blocks(source: Source, places: Sequence[int]) -> Iterator[Block]:
    """Read some columns of a file, in memory that does not grow with the file.

    Args:
        source: the file.
        places: which of its columns, in the wanted order.

    Raises:
        BadTable: if rows differ in length, a column is not of numbers, or the file is broken.
    """
    columns = [source.columns[place] for place in places]
    with reading(source.path):
        if source.format in DELIMITERS:
            yield from _read_text(source, columns)
            return
        refuse_types(source, places)
        for batch in arrow_batches(source, columns):
            yield arrow_block(batch, columns)


def boolean_columns(source: Source, places: Sequence[int]) -> list[str]:
    """Return the names of those columns that hold true and false; a text table shows it by its first rows."""
    import pyarrow as pa

    types = source.types
    if source.format in DELIMITERS:
        with reading(source.path):
            types = _guess_types(source)
    return [source.columns[place] for place in places if pa.types.is_boolean(types[place])]


def arrow_batches(source: Source, columns: Sequence[str]) -> Iterator["pa.RecordBatch"]:
    """Read some columns of a Parquet or Feather file as they are."""
    import pyarrow as pa
    import pyarrow.parquet

    if source.format == "parquet":
        with pyarrow.parquet.ParquetFile(source.path) as file:
            yield from file.iter_batches(_BLOCK_ROWS, columns=list(columns))
        return
    with pa.OSFile(source.path) as file, pa.ipc.open_file(file) as reader:
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number).select(list(columns))


def arrow_block(batch: "pa.RecordBatch", columns: list[str]) -> Block:
    """Return some columns of an Arrow batch as numbers."""
    import pyarrow as pa

    values = np.empty((batch.num_rows, len(columns)))
    missing = np.zeros(len(columns), dtype=np.int64)
    for place, name in enumerate(columns):
        column = batch.column(name)
        missing[place] = column.null_count
        values[:, place] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return Block(values, missing)


def _read_text(source: Source, columns: list[str]) -> Iterator[Block]:
    import pyarrow as pa

    booleans = set(boolean_columns(source, [source.columns.index(name) for name in columns]))
    types = {name: pa.bool_() if name in booleans else pa.float64() for name in columns}
    try:
        with open_csv(source, types) as reader:
            for batch in reader:
                yield arrow_block(batch, columns)
    except pa.ArrowInvalid as error:
        explain_rows(source, columns)
        raise BadTable(f"{source.path}: cannot be read: {str(error).splitlines()[0].rstrip('.')}.") from error


def open_csv(source: Source, types: dict[str, "pa.DataType"]) -> "csv_module.CSVStreamingReader":
    """Open a text table for the columns with these types; without any, for all columns with guessed types."""
    import pyarrow as pa
    import pyarrow.csv as csv_module

    return csv_module.open_csv(
        pa.input_stream(source.path, compression="detect"),
        read_options=csv_module.ReadOptions(
            column_names=source.columns, skip_rows=source.lines_before, block_size=_BLOCK_BYTES
        ),
        parse_options=csv_module.ParseOptions(delimiter=DELIMITERS[source.format], newlines_in_values=True),
        convert_options=csv_module.ConvertOptions(
            column_types=types, include_columns=list(types), null_values=MISSING, strings_can_be_null=True
        ),
    )


def _guess_types(source: Source) -> list["pa.DataType"]:
    """Return the types that a text table's first block suggests: they tell booleans from numbers."""
    import pyarrow as pa

    try:
        with open_csv(source, {}) as reader:
            return reader.schema.types
    except pa.ArrowInvalid:  # an unreadable row: met again, and explained, when the rows are read
        return [pa.float64()] * len(source.columns)


def explain_rows(source: Source, columns: Sequence[str]) -> None:
    """Raise the BadTable that says what is wrong with the rows of a text table; or return.

    Args:
        source: the file.
        columns: those that must be numbers.
    """
    places = {source.columns.index(name): name for name in columns}
    offences: dict[str, _Cells] = {}
    rows_left = _ROWS_FOR_EXAMPLES
    with open_text(source.path) as file:
        rows = csv.reader(file, delimiter=DELIMITERS[source.format])
        for row in rows:
            if rows.line_num <= source.lines_before or not row:
                continue
            if len(row) != len(source.columns):
                raise BadTable(
                    f"{source.path}, line {rows.line_num}: expected {len(source.columns)} values as in the "
                    f"first line, got {len(row)}."
                )
            for place, name in places.items():
                if row[place] not in MISSING and not is_number(row[place]):
                    offences.setdefault(name, []).append((rows.line_num, row[place].strip()))
            rows_left -= bool(offences)
            if not rows_left:
                break
    if offences:
        raise _not_numbers(source, "line", {name: (_kind(cells), cells) for name, cells in offences.items()})


def _kind(cells: _Cells) -> str:
    try:
        datetime.datetime.fromisoformat(cells[0][1])
    except ValueError:
        return "text"
    return "dates"


def refuse_types(source: Source, places: Sequence[int]) -> None:
    """Raise a BadTable if a column of a Parquet or Feather file is of a type that is not a number."""
    import pyarrow.types as kinds

    offences: dict[str, tuple[str, _Cells]] = {}
    for place in places:
        kind, name = source.types[place], source.columns[place]
        if kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind):
            continue
        if kinds.is_boolean(kind) or kinds.is_null(kind):
            continue
        if kinds.is_temporal(kind):
            what = "dates"
        elif kinds.is_dictionary(kind):
            what = "categories"
        else:
            text = kinds.is_string(kind) or kinds.is_large_string(kind)
            what = "text" if text else f"values of type {kind}"
        offences[name] = (what, _first_values(source, name))
    if offences:
        raise _not_numbers(source, "row", offences)


def _first_values(source: Source, column: str) -> _Cells:
    for batch in arrow_batches(source, [column]):
        values = batch.column(column)[:_EXAMPLES].to_pylist()
        return [(row + 1, str(value)) for row, value in enumerate(values) if value is not None]
    return []


def _not_numbers(source: Source, unit: str, offences: dict[str, tuple[str, _Cells]]) -> BadTable:
    parts = []
    for name, (what, cells) in offences.items():
        shown = ", ".join(f"{unit} {number}: {_clipped(cell)}" for number, cell in cells[:_EXAMPLES])
        parts.append(f"{name!r} holds {what}" + (f" ({shown})" if shown else ""))
    return BadTable(
        f"{source.path}: expected numbers, but {'; '.join(parts)}. Turn them into numbers, "
        f"or leave {'this column' if len(offences) == 1 else 'these columns'} out with --columns "
        "(columns=... in Python)."
    )


def _clipped(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:37] + "...")
