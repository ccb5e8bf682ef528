"""The files of a table: which they are, in which format, and with which columns."""

import contextlib
import csv
import dataclasses
import gzip
import io
import itertools
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from ..errors import BadTable
from .table import check_names

if TYPE_CHECKING:
    import pyarrow as pa

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
Format = Literal["csv", "tsv", "parquet", "feather"]

FORMATS = "CSV (.csv, .csv.gz), TSV (.tsv, .tsv.gz), Parquet (.parquet) or Feather (.feather)"
"""The formats of tables and their extensions, as messages name them."""

DELIMITERS: dict[Format, str] = {"csv": ",", "tsv": "\t"}
"""What separates the values, for the formats that are text."""

_MISSING = ("", "NA", "N/A", "#N/A", "null", "NULL", "None", "?")
MISSING = (*_MISSING, *(f" {word}" for word in _MISSING))
"""What stands for a missing value in text, also after the blank that some programs put behind a comma.

NaN is not among them: it is read as a number, and counted as one that is not finite.
"""

_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "tsv",
    ".tsv.gz": "tsv",
    ".parquet": "parquet",
    ".feather": "feather",
}
_LONGEST_HEADER = 1 << 20
_ROWS_TO_COMPARE = 1000
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}


@dataclasses.dataclass(frozen=True)
class Source:
    """One file of a table.

    Attributes:
        path: where it is, as the user wrote it.
        format: how it is written.
        columns: the names in the file's order; empty where a text table's header names none.
        types: Arrow's types of the columns; for text, those that the first block suggests.
        lines_before: how many lines come before the first row; text only.
    """

    path: str
    format: Format
    columns: tuple[str, ...]
    types: tuple["pa.DataType", ...] = ()
    lines_before: int = 0

    @property
    def has_header(self) -> bool:
        """Whether the columns' names come from the file."""
        return self.format not in DELIMITERS or self.lines_before > 0


def format_of(path: str | os.PathLike[str]) -> Format | None:
    """Return a file's format by its extension, or None if it is not one of a table."""
    name = os.fspath(path).lower()
    return next((kind for ending, kind in _FORMATS.items() if name.endswith(ending)), None)


def find_files(paths: Paths) -> tuple[str, ...]:
    """Return the files that make up a table: those named, and for a folder the tables in it, sorted by name.

    Args:
        paths: a file or a folder, or several. They keep their order.

    Raises:
        BadTable: if one is missing, has an extension that is not a table's, or is a folder without tables.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        raise BadTable("Expected at least one file or folder, got none.")
    files: list[str] = []
    for item in map(Path, given):
        if item.is_dir():
            inside = sorted(entry for entry in item.iterdir() if not entry.name.startswith("."))
            tables = [str(entry) for entry in inside if entry.is_file() and format_of(entry)]
            if not tables:
                raise BadTable(f"{item}: the folder holds no table. Expected files in {FORMATS}.")
            files.extend(tables)
        elif not item.exists():
            raise BadTable(f"{item}: no such file or folder.")
        elif format_of(item) is None:
            raise BadTable(f"{item}: the extension is not one of a table. Expected {FORMATS}.")
        else:
            files.append(str(item))
    return tuple(files)


def inspect(path: str) -> Source:
    """Read as much of a file as tells its columns.

    Args:
        path: a file with the extension of a table.

    Raises:
        BadTable: if it cannot be read, is empty, is not what its extension says, or names two columns alike.
    """
    with reading(path):
        if Path(path).stat().st_size == 0:
            raise BadTable(f"{path}: the file is empty.")
        kind = format_of(path)
        if kind == "parquet":
            source = _inspect_parquet(path)
        elif kind == "feather":
            source = _inspect_feather(path)
        else:
            source = _inspect_text(path, kind or "csv")
    check_names(path, [name for name in source.columns if name] or [""])
    return source


@contextlib.contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn what the file system, the decompressors and Arrow raise into a BadTable that names the file."""
    import pyarrow as pa

    try:
        yield
    except UnicodeDecodeError as error:
        raise BadTable(f"{path}: not a text table: its bytes are not UTF-8.") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadTable(f"{path}: the compressed file is broken or cut off.") from error
    except csv.Error as error:
        raise BadTable(f"{path}: not a text table: {error}.") from error
    except (OSError, pa.ArrowException) as error:
        reason = (getattr(error, "strerror", None) or str(error)).strip() or type(error).__name__
        raise BadTable(f"{path}: cannot be read: {reason.splitlines()[0].rstrip('.')}.") from error


def open_text(path: str) -> TextIO:
    """Open a text table, decompressed if its name ends in .gz."""
    opener = gzip.open if path.lower().endswith(".gz") else open
    return opener(path, "rt", encoding="utf-8-sig", newline="")


def is_number(cell: str) -> bool:
    """Tell whether a cell of a text table is a number, NaN and infinity included."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # the digit separators of Python are no part of the format


def _inspect_parquet(path: str) -> Source:
    import pyarrow.parquet

    schema = pyarrow.parquet.read_schema(path)
    return Source(path, "parquet", tuple(schema.names), tuple(schema.types))


def _inspect_feather(path: str) -> Source:
    import pyarrow as pa

    with pa.OSFile(path) as file, pa.ipc.open_file(file) as reader:
        return Source(path, "feather", tuple(reader.schema.names), tuple(reader.schema.types))


def _inspect_text(path: str, kind: Format) -> Source:
    first, last_line, others = _first_rows(path, kind)
    if _is_row(first, others):
        return Source(path, kind, tuple(f"c{place + 1}" for place in range(len(first))))
    for separator, name in _SEPARATORS.items():
        if len(first) == 1 and separator in first[0]:
            raise BadTable(
                f"{path}: the columns seem to be separated by {name}. "
                "Expected commas in .csv files and tabs in .tsv files."
            )
    return Source(path, kind, tuple(first), lines_before=last_line)


def _first_rows(path: str, kind: Format) -> tuple[list[str], int, list[list[str]]]:
    """Return the cells of the first row that is not blank, the line where it ends, and some rows after it."""
    with open_text(path) as file:
        start = file.read(_LONGEST_HEADER)
    if "\0" in start:
        raise BadTable(f"{path}: not a text table: it holds binary data.")
    rows = csv.reader(io.StringIO(start, newline=""), delimiter=DELIMITERS[kind])
    for row in rows:
        if any(cell.strip() for cell in row):
            first, last_line = [cell.strip() for cell in row], rows.line_num
            if any(map(is_number, first)):
                return first, last_line, [[cell.strip() for cell in other] for other in _some(rows)]
            return first, last_line, []
    raise BadTable(f"{path}: the file is empty.")


def _some(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield the first rows, up to one that cannot be parsed: it is met again when the rows are read."""
    with contextlib.suppress(csv.Error):
        yield from itertools.islice(rows, _ROWS_TO_COMPARE)


def _is_row(first: list[str], others: list[list[str]]) -> bool:
    """Tell whether the first line is a row, not a header.

    It is one if all its cells are numbers (but for 0, 1, 2, ...). With numbers and text, as in
    "39, State-gov, 77516", it is one if no text stands over a column of numbers, and at least half of the
    texts stand again in their columns below.
    """
    texts = [place for place, cell in enumerate(first) if not is_number(cell) and cell not in MISSING]
    if not texts:
        return not _counts_up(first)
    if len(texts) == len(first):
        return False
    again = 0
    for place in texts:
        below = {row[place] for row in others if len(row) > place}
        if below and all(is_number(cell) or cell in MISSING for cell in below):
            return False
        again += first[place] in below
    return 2 * again >= len(texts)


def _counts_up(cells: list[str]) -> bool:
    """Tell whether a row is 0, 1, 2, ...: the header that some programs give to a table without names."""
    return len(cells) > 1 and cells == [str(place) for place in range(len(cells))]
