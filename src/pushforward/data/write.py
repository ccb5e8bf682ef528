"""Writing tables batch by batch, so that a file is either whole or not there."""

import contextlib
import csv
import gzip
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np

from ..errors import ConfigError, ShapeError
from .sources import DELIMITERS, FORMATS, format_of
from .table import check_names, quoted
from .typed import compute

if TYPE_CHECKING:
    import pyarrow as pa


class TableWriter:
    """Writes a table batch by batch, in memory that does not grow with it.

    The rows go to a temporary file in the same folder, which is renamed to `path` when the writer is closed.
    If anything raises before, in the writer or in the body of its `with` statement, the temporary file is
    removed, and what was at `path` stays as it was. Text has the fewest digits that read back as the same
    number of the batches' own type: 0.1 in float32 is written as 0.1.

    Args:
        path: where to write: .csv, .csv.gz, .tsv, .tsv.gz, .parquet or .feather, in a folder that exists. A
            symbolic link is followed: its target is replaced.
        columns: names, all different.

    Raises:
        ConfigError: if the extension is not that of a table.
        BadTable: if there is no column, or two have one name.
        OSError: if the folder is missing or may not be written to, or `path` is a folder or a device.

    Example:
        with TableWriter("samples.csv", ["a", "b"]) as writer:
            writer.write(flow.sample(key, (1000,)))
    """

    def __init__(self, path: str | os.PathLike[str], columns: Sequence[str]) -> None:
        self.path, self.columns, self.rows = os.fspath(path), tuple(columns), 0
        if format_of(path) is None:
            raise ConfigError(f"{path} cannot be written: expected the extension of a table: {FORMATS}.")
        check_names(self.path, self.columns)
        self._target = Path(os.path.realpath(path))
        _check_target(self.path, self._target)
        self._temporary = self._target.with_name(f".tmp-{os.getpid()}-{self._target.name}")
        self._body: _Body | None = None
        self._dtype = np.dtype(np.float64)
        self._schema: pa.Schema | None = None
        self._file: _Output | None = None
        with self._guarded():
            # Remove what a killed process of this number left; "x" then refuses to follow a planted link.
            self._temporary.unlink(missing_ok=True)
            self._file = _Output(open(self._temporary, "xb"))  # noqa: SIM115  (closed by close or discard)

    def write(self, values: Any) -> None:
        """Append rows.

        Args:
            values: an array of numbers, shape (rows, columns). The first batch sets the type of the whole
                table: float32 stays float32, everything else becomes float64.

        Raises:
            ShapeError: if it has another shape. The writer can still be used.
            ConfigError: if the writer is closed.
            OSError: if the disk is full or fails. The temporary file is removed.
        """
        rows = np.asarray(values)
        if rows.ndim != 2 or rows.shape[1] != len(self.columns):
            expected = f"(rows, {len(self.columns)})"
            raise ShapeError(f"{self.path}: expected values of shape {expected}, got shape {rows.shape}.")
        if self._file is None:
            raise ConfigError(f"{self.path}: the writer is closed.")
        if self._schema is not None:
            raise ConfigError(f"{self.path}: its rows have types; write_arrow writes more of them.")
        if self._body is None and rows.dtype == np.float32:
            self._dtype = np.dtype(np.float32)
        with self._guarded():
            self._append(rows)
        self.rows += len(rows)

    def write_arrow(self, table: Any) -> None:
        """Append rows with the types of their columns: text as text, integers as integers, dates as dates.

        In text, dates and times are in ISO 8601 (those with a zone in UTC, with a Z), truth values true and
        false, and what is missing is an empty cell.

        Args:
            table: an Arrow table or record batch with the writer's columns, in their order. The first batch
                sets the types of the whole table; `write` cannot be used for the same table.

        Raises:
            ShapeError: if it has other columns. The writer can still be used.
            ConfigError: if the writer is closed, or the types are not those of the first batch.
            OSError: if the disk is full or fails. The temporary file is removed.
        """
        import pyarrow as pa

        if tuple(table.schema.names) != self.columns:
            raise ShapeError(
                f"{self.path}: expected the columns {quoted(self.columns)}, got {quoted(table.schema.names)}."
            )
        if self._file is None:
            raise ConfigError(f"{self.path}: the writer is closed.")
        schema = table.schema.remove_metadata()
        if self._body is not None and schema != self._schema:
            raise ConfigError(f"{self.path}: expected the types of the first batch, got others.")
        with self._guarded():
            if self._body is None:
                self._schema, self._body = schema, _body(self.path, self._file, schema)
            if table.num_rows:
                self._body.write_table(pa.table(table.columns, schema=schema))
        self.rows += table.num_rows

    def close(self) -> None:
        """Finish the file and rename it into place; without rows it holds the columns' names alone.

        Raises:
            OSError: if the disk is full or fails. The temporary file is removed.
        """
        if self._file is None:
            return
        with self._guarded():
            if self._body is None:
                self._append(np.empty((0, len(self.columns))))
            if self._body is not None:
                self._body.close()
            self._file.finish()
            os.replace(self._temporary, self._target)
        self._file = None
        _sync_folder(self._target.parent)

    def discard(self) -> None:
        """Remove the temporary file; what was at `path` stays as it was. Does nothing after `close`."""
        if self._file is None:
            return
        self._file.abandon()
        if self._body is not None:
            self._body.close()
        self._file = None
        with contextlib.suppress(OSError):
            self._temporary.unlink()

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del error, trace
        if kind is None:
            self.close()
        else:
            self.discard()

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Leave nothing behind if something raises, and let errors of the system name the file itself."""
        try:
            yield
        except BaseException as error:
            self.discard()
            if isinstance(error, OSError) and error.filename in (None, str(self._temporary)):
                error.filename = self.path
            raise

    def _append(self, rows: np.ndarray) -> None:
        import pyarrow as pa

        rows = rows.astype(self._dtype, copy=False)
        table = pa.table([np.ascontiguousarray(column) for column in rows.T], names=list(self.columns))
        if self._body is None and self._file is not None:
            self._body = _body(self.path, self._file, table.schema)
        if self._body is not None and len(rows):
            self._body.write_table(table)


class _Body(Protocol):
    """What writes a table in one format; Arrow's writers are of this form."""

    def write_table(self, table: Any) -> None: ...
    def close(self) -> None: ...


class _Output(io.RawIOBase):
    """The temporary file, as Arrow sees it. Once abandoned it takes what is still written, and drops it."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file, self._size, self._abandoned = file, 0, False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        if not self._abandoned:
            self._file.write(data)
        self._size += size
        return size

    def tell(self) -> int:
        return self._size

    def finish(self) -> None:
        """Bring everything to the disk and close the file."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """Close the file, come what may."""
        self._abandoned = True
        with contextlib.suppress(OSError):
            self._file.close()


class _Text:
    """CSV or TSV, compressed or not."""

    def __init__(self, path: str, file: _Output, columns: Sequence[str]) -> None:
        self._delimiter = DELIMITERS[format_of(path) or "csv"]
        self._file = file
        if path.lower().endswith(".gz"):
            self._file = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)  # same rows, same bytes
        header = io.StringIO()
        csv.writer(header, delimiter=self._delimiter, lineterminator="\n").writerow(columns)
        self._file.write(header.getvalue().encode())

    def write_table(self, table: Any) -> None:
        import pyarrow as pa
        import pyarrow.csv as csv_module

        table = pa.table([_as_text(column) for column in table.columns], names=table.column_names)
        text = pa.BufferOutputStream()
        options = csv_module.WriteOptions(include_header=False, delimiter=self._delimiter)
        csv_module.write_csv(table, text, options)
        self._file.write(text.getvalue())

    def close(self) -> None:
        if isinstance(self._file, gzip.GzipFile):
            self._file.close()


def _body(path: str, file: _Output, schema: Any) -> _Body:
    import pyarrow as pa
    import pyarrow.parquet as parquet_module

    kind = format_of(path)
    if kind == "parquet":
        return parquet_module.ParquetWriter(file, schema)
    if kind == "feather":
        return pa.ipc.new_file(file, schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))
    return _Text(path, file, schema.names)


def _as_text(column: Any) -> Any:
    """Return dates and times in ISO 8601, those with a zone in UTC, without the zeros that end a fraction."""
    import pyarrow as pa

    pc = compute()

    if pa.types.is_date(column.type):
        return column.cast(pa.date32())
    if not pa.types.is_timestamp(column.type):
        return column
    if column.type.tz is not None:
        column = column.cast(pa.timestamp(column.type.unit, "UTC"))
    cells = pc.replace_substring_regex(column.cast(pa.string()), r"(\.\d*?)0+(Z?)$", r"\1\2")
    return pc.replace_substring_regex(cells, r"\.(Z?)$", r"\1")


def _check_target(path: str, target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(f"{path} cannot be written: it is a folder, and a file name is needed.")
    if target.exists() and not target.is_file():
        raise OSError(f"{path} cannot be written: it is a device or a pipe, and a file name is needed.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: the folder {target.parent} does not exist.")


def _sync_folder(folder: Path) -> None:
    """Flush the rename to the disk, where the system can; the file itself is whole already."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
