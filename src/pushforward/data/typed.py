"""Rows with the types of their columns: numbers, text, truth values, dates and times, as Arrow's batches.

A text table says nothing of its types. They are taken from the whole file: each column gets the narrowest of
integers, doubles, truth values, dates, times and text that takes all its cells. So a text table is read
twice; memory does not grow with it.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import BadTable
from .blocks import arrow_batches, explain_rows, open_csv
from .sources import DELIMITERS, MISSING, Source, reading
from .table import quoted

if TYPE_CHECKING:
    import pyarrow as pa

Matched = Sequence[tuple[Source, tuple[int, ...]]]
"""Files, and the places of the wanted columns in each."""


def table_types(matched: Matched) -> list["pa.DataType"]:
    """Return the types that the wanted columns have in all files together.

    Raises:
        BadTable: if a file cannot be read, rows differ in length, a column is of a type that is neither a
            number nor text nor a time, or is of one type in one file and of another in the next.
    """
    types: list[pa.DataType] = []
    for source, places in matched:
        names = [source.columns[place] for place in places]
        found = _text_types(source, names) if source.format in DELIMITERS else _own_types(source, places)
        types = [joined(*pair) for pair in zip(types, found, strict=True)] if types else found
    for source, places in matched:
        if source.format not in DELIMITERS:
            _check_types(matched[0][0], source, places, types)
    return types


def typed_batches(
    source: Source, places: Sequence[int], types: Sequence["pa.DataType"]
) -> Iterator["pa.RecordBatch"]:
    """Read some columns of a file as these types, which must be wide enough: see `table_types`."""
    import pyarrow as pa

    names = [source.columns[place] for place in places]
    schema = pa.schema(list(zip(names, types, strict=True)))
    with reading(source.path):
        text = source.format in DELIMITERS
        for batch in _cells(source, names) if text else arrow_batches(source, names):
            columns = [
                _parsed(batch.column(place), kind)
                if text
                else plain(batch.column(place)).cast(kind, safe=False)
                for place, kind in enumerate(types)
            ]
            yield pa.record_batch(columns, schema=schema)


def rebatch_arrow(batches: Iterable["pa.RecordBatch"], rows: int) -> Iterator["pa.RecordBatch"]:
    """Cut batches of any size into batches of so many rows; the last batch may have fewer."""
    waiting: "list[pa.RecordBatch]" = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += batch.num_rows
        if count >= rows:
            whole = _joined_batches(waiting)
            for start in range(0, count - count % rows, rows):
                yield whole.slice(start, rows)
            waiting, count = [whole.slice(count - count % rows)], count % rows
    if count:
        yield _joined_batches(waiting)


def _joined_batches(batches: list["pa.RecordBatch"]) -> "pa.RecordBatch":
    import pyarrow as pa

    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def plain_type(kind: "pa.DataType") -> "pa.DataType | None":
    """Return the type that a column is read as: dictionaries as what they hold, decimals as doubles.

    Returns:
        The type, or None for lists, bytes, times of day and other types that are not read.
    """
    import pyarrow as pa
    import pyarrow.types as kinds

    if kinds.is_dictionary(kind):
        return plain_type(kind.value_type)
    if kinds.is_decimal(kind):
        return pa.float64()
    if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return pa.string()
    if kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind) or kinds.is_null(kind):
        return kind
    return kind if kinds.is_date(kind) or kinds.is_timestamp(kind) else None


def plain(column: "pa.Array") -> "pa.Array":
    """Return a column as its `plain_type`."""
    kind = plain_type(column.type)
    return column if kind is None or kind == column.type else column.cast(kind, safe=False)


def compute() -> Any:
    """Return the module of Arrow's functions, which are made when it is imported: type checkers see none."""
    import pyarrow.compute

    return pyarrow.compute


def joined(first: "pa.DataType", second: "pa.DataType") -> "pa.DataType":
    """Return the narrowest type that takes the values of two; text where nothing else does."""
    import pyarrow as pa
    import pyarrow.types as kinds

    if first == second or kinds.is_null(second):
        return first
    if kinds.is_null(first):
        return second
    both = (first, second)
    if all(kinds.is_integer(kind) for kind in both):
        if all(kinds.is_unsigned_integer(kind) for kind in both):
            return pa.uint64()
        return pa.float64() if pa.uint64() in both else pa.int64()
    if all(kinds.is_integer(kind) or kinds.is_floating(kind) for kind in both):
        return pa.float64()
    if all(kinds.is_date(kind) for kind in both):
        return pa.date32()
    times = [kind for kind in both if kinds.is_timestamp(kind)]
    zones = {kind.tz for kind in times}
    if len(times) == 2 and len(zones) == 1:
        units = ("s", "ms", "us", "ns")
        return pa.timestamp(max((kind.unit for kind in times), key=units.index), *zones)
    if len(times) == 1 and zones == {None} and any(kinds.is_date(kind) for kind in both):
        return times[0]
    return pa.string()


def _own_types(source: Source, places: Sequence[int]) -> list["pa.DataType"]:
    found = {source.columns[place]: plain_type(source.types[place]) for place in places}
    refused = [name for name, kind in found.items() if kind is None]
    if refused:
        kinds = ", ".join(str(source.types[source.columns.index(name)]) for name in refused)
        raise BadTable(
            f"{source.path}: expected numbers, text, truth values, dates or times, but {quoted(refused)} "
            f"{'is' if len(refused) == 1 else 'are'} of type {kinds}. Convert, or leave out with --columns "
            "(columns=... in Python)."
        )
    return [kind for kind in found.values() if kind is not None]


def _check_types(
    first: Source, source: Source, places: Sequence[int], types: Sequence["pa.DataType"]
) -> None:
    """Raise a BadTable if a file with types holds something else than text where the table holds text."""
    import pyarrow as pa

    for place, kind in zip(places, types, strict=True):
        own = plain_type(source.types[place])
        if kind == pa.string() and own not in (pa.string(), pa.null()):
            raise BadTable(
                f"{source.path}: column {source.columns[place]!r} is of type {own}, which does not go with "
                f"what other files of the table hold there (the first is {first.path}). Give it one type, or "
                "leave it out with --columns (columns=... in Python)."
            )


def _cells(source: Source, names: Sequence[str]) -> Iterator["pa.RecordBatch"]:
    """Read the cells of a text table as text, without the blanks around them, null where missing."""
    import pyarrow as pa

    pc = compute()

    missing = pa.array(MISSING)
    try:
        with open_csv(source, dict.fromkeys(names, pa.string())) as reader:
            for batch in reader:
                columns = [pc.utf8_trim_whitespace(column) for column in batch.columns]
                columns = [
                    pc.if_else(pc.is_in(column, missing), pa.scalar(None, pa.string()), column)
                    for column in columns
                ]
                yield pa.record_batch(columns, names=list(names))
    except pa.ArrowInvalid as error:
        explain_rows(source, ())
        raise BadTable(f"{source.path}: cannot be read: {str(error).splitlines()[0].rstrip('.')}.") from error


def _text_types(source: Source, names: Sequence[str]) -> list["pa.DataType"]:
    import pyarrow as pa

    types: list[pa.DataType] = [pa.null()] * len(names)
    with reading(source.path):
        for batch in _cells(source, names):
            types = [
                kind if kind == pa.string() else joined(kind, _narrowest(batch.column(place)))
                for place, kind in enumerate(types)
            ]
    return types


def _narrowest(cells: "pa.Array") -> "pa.DataType":
    import pyarrow as pa

    cells = cells.drop_null()
    if not len(cells):
        return pa.null()
    candidates = (
        *(pa.int64(), pa.float64(), pa.bool_(), pa.date32()),
        *(pa.timestamp("us"), pa.timestamp("ns"), pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC")),
    )
    for kind in candidates:
        with contextlib.suppress(pa.ArrowInvalid):
            _parsed(cells[:1], kind)  # one cell rules out most types at little cost
            _parsed(cells, kind)
            return kind
    return pa.string()


def _parsed(cells: "pa.Array", kind: "pa.DataType") -> "pa.Array":
    """Return cells as values of a type; raise Arrow's error if one is not of its form."""
    import pyarrow as pa

    pc = compute()

    if kind == pa.null():
        return pa.nulls(len(cells))
    if kind == pa.bool_():
        small = pc.utf8_lower(cells)
        if not pc.all(pc.is_in(small, pa.array(["true", "false", None], pa.string()))).as_py():
            raise pa.ArrowInvalid("not true or false")
        return pc.equal(small, "true")
    if kind == pa.int64() and pc.any(pc.match_substring_regex(cells, "[xX]")).as_py():
        raise pa.ArrowInvalid("hexadecimal digits are no part of the format")
    return cells if kind == pa.string() else cells.cast(kind)
