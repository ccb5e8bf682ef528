"""A table on the disk as a source of rows for training, one group of rows after the other."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ConfigError
from .blocks import arrow_block, read_blocks, refuse_types
from .read import scan_table
from .schema import Column, Schema
from .sources import DELIMITERS, Paths, Source, reading

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK_ROWS = 65536
BUFFER = 2**20
"""Rows that are mixed with each other, unless told otherwise: ten row groups of 100,000."""


@dataclasses.dataclass(frozen=True)
class _Part:
    """A group of rows: a row group of a Parquet file, a batch of a Feather file, or a whole text file."""

    file: int
    place: int
    rows: int


class TableSource:
    """The rows of Parquet, Feather or CSV files, which need not fit into memory; `pushforward.fit` trains on it.

    Row groups are read in random order, and rows are mixed in a buffer. A text file has no groups to jump to: if there
    is one, files are read in their order, and rows that are far apart in them never meet in a batch.

    Args:
        paths: files or folders; see `read_table`.
        columns: names of the wanted columns in the wanted order, by default all.
        buffer: how many rows are held in memory and mixed with each other.

    Attributes:
        columns: names, in the order in which they are read.
        files: paths, in the order in which they are counted.
        notes: what was decided about the files, one sentence each.
        sizes: rows of each group.
        in_order: whether groups are read in their order alone.
        buffer: see above.

    Raises:
        BadTable: if a file is missing or not a table, a column is missing, has no name or holds no numbers; for text
            also what reading it may raise, since its rows are counted.
        ConfigError: if the buffer is not at least one row.

    Example:
        fit(flow, TableSource("folder"), key=key)
    """

    def __init__(self, paths: Paths, columns: Sequence[str] | None = None, *, buffer: int = BUFFER) -> None:
        if isinstance(buffer, bool) or not isinstance(buffer, int) or buffer < 1:
            raise ConfigError(f"TableSource: expected a buffer of at least 1 row, got {buffer!r}.")
        files = scan_table(paths, columns)
        self.columns, self.files, self.notes = files.columns, files.files, files.notes
        self.name, self.buffer = files.name, buffer
        self._sources = files.sources
        self._parts = [part for file in range(len(self._sources)) for part in self._find_parts(file)]
        self.sizes = tuple(part.rows for part in self._parts)
        self.in_order = any(source.format in DELIMITERS for source, _ in self._sources)

    def read(self, groups: Sequence[int]) -> Iterator[np.ndarray]:
        """Return the rows of some groups, float64, NaN where a value is missing; in blocks of at most 65536 rows.

        Raises:
            BadTable: while iterating, if a file is broken or not of numbers.
        """
        for group in groups:
            part = self._parts[group]
            source, places = self._sources[part.file]
            if source.format in DELIMITERS:
                yield from (block.values for block in read_blocks(source, places))
                continue
            columns = [source.columns[place] for place in places]
            with reading(source.path):
                for batch in _batches(source, part.place, columns):
                    yield arrow_block(batch, columns).values

    def describe(self) -> dict[str, Any]:
        """Return the files' names and sizes in bytes, and the columns."""
        sizes = [[os.path.basename(path), os.path.getsize(path)] for path in self.files]
        return {"files": sizes, "columns": list(self.columns)}

    def schema(self) -> Schema:
        """Return a schema in which every column is real; those of whole numbers come back as such."""
        source, places = self._sources[0]
        types = [str(source.types[place]) if source.types else "double" for place in places]
        columns = []
        for name, kind in zip(self.columns, types, strict=True):
            whole = kind.startswith(("int", "uint"))
            known = kind if whole or kind in ("float", "double") else "double"
            columns.append(Column(name, "real", known, decimals=0 if whole else None))
        return Schema(tuple(columns))

    def _find_parts(self, file: int) -> list[_Part]:
        source, places = self._sources[file]
        if source.format in DELIMITERS:
            return [_Part(file, 0, sum(len(block.values) for block in read_blocks(source, places)))]
        with reading(source.path):
            refuse_types(source, places)
            return [_Part(file, place, rows) for place, rows in enumerate(_group_sizes(source)) if rows]


def _group_sizes(source: Source) -> list[int]:
    import pyarrow as pa
    import pyarrow.parquet

    if source.format == "parquet":
        about = pyarrow.parquet.read_metadata(source.path)
        return [about.row_group(place).num_rows for place in range(about.num_row_groups)]
    with pa.OSFile(source.path) as file, pa.ipc.open_file(file) as reader:
        return [reader.get_batch(place).num_rows for place in range(reader.num_record_batches)]


def _batches(source: Source, place: int, columns: list[str]) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa
    import pyarrow.parquet

    if source.format == "parquet":
        with pyarrow.parquet.ParquetFile(source.path) as file:
            yield from file.iter_batches(_BLOCK_ROWS, row_groups=[place], columns=columns)
        return
    with pa.OSFile(source.path) as file, pa.ipc.open_file(file) as reader:
        yield reader.get_batch(place).select(columns)


def table_bytes(paths: Paths, columns: Sequence[str] | None = None) -> int:
    """Return about how many bytes the numbers of a table take in memory, 8 each, without reading them.

    A text file is taken to hold as many bytes as its numbers would, or, if it is compressed, four times as many.

    Args:
        paths: see `read_table`.
        columns: see `read_table`.

    Raises:
        BadTable: as `scan_table` does.
    """
    total = 0
    for source, places in scan_table(paths, columns, typed=True).sources:
        if source.format in DELIMITERS:
            share = len(places) / len(source.columns)
            total += int(
                os.path.getsize(source.path) * share * (4 if source.path.lower().endswith(".gz") else 1)
            )
            continue
        with reading(source.path):
            total += 8 * len(places) * sum(_group_sizes(source))
    return total
