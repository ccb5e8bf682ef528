import builtins
import errno
import gzip
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from pushforward.data import write as module
from pushforward.data.read import read_arrow, read_table
from pushforward.data.sources import FORMATS
from pushforward.data.write import TableWriter
from pushforward.errors import BadTable, ConfigError, ShapeError

NAMES = ("x.csv", "x.csv.gz", "x.tsv", "x.tsv.gz", "x.parquet", "x.feather")
COLUMNS = ("a", "b\tc", 'd,"e"')


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def numbers(rows, dtype):
    """Numbers of every size that the type has."""
    rng = np.random.default_rng(0)
    limit = np.log10(np.finfo(dtype).max) - 1
    return (rng.normal(size=(rows, 3)) * 10 ** rng.uniform(-limit, limit, (rows, 3))).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_reads_back_bit_for_bit(name, dtype):
    values = numbers(1000, dtype)
    with TableWriter(name, COLUMNS) as writer:
        for start in range(0, 1000, 300):
            writer.write(values[start : start + 300])
        assert writer.rows == 1000
        assert not Path(name).exists()
    table = read_table(name)
    assert table.columns == COLUMNS
    assert np.array_equal(table.values.astype(dtype), values)
    assert os.listdir() == [name]


def test_text_has_the_fewest_digits_of_the_type_of_the_batches():
    with TableWriter("x.csv", ["a", "b"]) as writer:
        writer.write(np.array([[0.1, 1 / 3], [1e-30, -3]], np.float32))
        writer.write(np.array([[0.1, np.nan]], np.float64))
    assert Path("x.csv").read_text() == "a,b\n0.1,0.33333334\n1e-30,-3\n0.1,nan\n"
    with TableWriter("x.tsv", ["a", "b"]) as writer:
        writer.write([[0.1, 1 / 3], [1, -np.inf]])
    assert Path("x.tsv").read_text() == "a\tb\n0.1\t0.3333333333333333\n1\t-inf\n"


def test_arrow_files_keep_the_type_of_the_batches():
    for dtype in (np.float32, np.float64):
        for name, read in (
            ("x.parquet", pyarrow.parquet.read_table),
            ("x.feather", pyarrow.feather.read_table),
        ):
            with TableWriter(name, ["a"]) as writer:
                writer.write(np.ones((2, 1), dtype))
            assert read(name).schema.types == [pyarrow.from_numpy_dtype(dtype)]


@pytest.mark.parametrize("name", NAMES)
def test_a_table_without_rows_has_its_columns(name):
    with TableWriter(name, ["a", "b"]):
        pass
    with pytest.raises(BadTable) as caught:
        read_table(name, ["b", "a"], minimum_rows=1)
    assert str(caught.value) == f"{name}: expected at least 1 row, got 0 rows."


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows", [0, 10])
def test_an_error_in_the_body_leaves_the_old_file_and_nothing_else(name, rows):
    Path(name).write_text("old")

    def body():
        with TableWriter(name, ["a"]) as writer:
            writer.write(np.ones((rows, 1)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        body()
    assert os.listdir() == [name]
    assert Path(name).read_text() == "old"


class FullDisk:
    """A file on a disk with little space left."""

    def __init__(self, file, space):
        self.file, self.space = file, space

    def write(self, data):
        self.space -= len(data)
        if self.space < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.parametrize("space", [0, 3, 2000])
@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_nothing(name, space, monkeypatch):
    def open_full(*arguments):
        return FullDisk(builtins.open(*arguments), space)

    monkeypatch.setattr(module, "open", open_full, raising=False)

    def fill():
        with TableWriter(name, ["a", "b", "c"]) as writer:
            for _ in range(50):
                writer.write(numbers(300, np.float64))

    with pytest.raises(OSError) as caught:  # noqa: PT011  (what it says is compared)
        fill()
    assert str(caught.value) == f"[Errno 28] No space left on device: '{name}'"
    assert os.listdir() == []


def test_a_disk_that_fails_at_the_last_step_leaves_the_old_file(monkeypatch):
    Path("x.csv").write_text("old")

    def fail(handle):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module.os, "fsync", fail)
    writer = TableWriter("x.csv", ["a"])
    writer.write([[1.0]])
    with pytest.raises(OSError, match=r"^\[Errno 5\] Input/output error: 'x.csv'$"):
        writer.close()
    assert os.listdir() == ["x.csv"]
    assert Path("x.csv").read_text() == "old"
    writer.close()


def test_where_nothing_can_be_written():
    Path("folder.csv").mkdir()
    with pytest.raises(ConfigError) as caught:
        TableWriter("x.txt", ["a"])
    assert str(caught.value) == f"x.txt cannot be written: expected the extension of a table: {FORMATS}."
    with pytest.raises(FileNotFoundError) as missing:
        TableWriter("no/x.csv", ["a"])
    parent = Path("no").resolve()
    assert str(missing.value) == f"no/x.csv cannot be written: the folder {parent} does not exist."
    with pytest.raises(IsADirectoryError) as taken:
        TableWriter("folder.csv", ["a"])
    assert str(taken.value) == "folder.csv cannot be written: it is a folder, and a file name is needed."
    os.mkfifo("pipe.csv")
    with pytest.raises(OSError) as device:  # noqa: PT011  (what it says is compared)
        TableWriter("pipe.csv", ["a"])
    assert (
        str(device.value)
        == "pipe.csv cannot be written: it is a device or a pipe, and a file name is needed."
    )
    assert sorted(os.listdir()) == ["folder.csv", "pipe.csv"]


def test_column_names_are_checked():
    with pytest.raises(BadTable) as caught:
        TableWriter("x.csv", ["a", "b", "a"])
    assert str(caught.value) == "x.csv: column names must be different; more than once: 'a'."


def test_rows_of_another_shape_are_refused_and_the_writer_goes_on():
    with TableWriter("x.csv", ["a", "b"]) as writer:
        with pytest.raises(ShapeError) as caught:
            writer.write(np.ones((3, 3)))
        assert str(caught.value) == "x.csv: expected values of shape (rows, 2), got shape (3, 3)."
        writer.write([[1, 2]])
    assert Path("x.csv").read_text() == "a,b\n1,2\n"
    with pytest.raises(ConfigError) as closed:
        writer.write([[1, 2]])
    assert str(closed.value) == "x.csv: the writer is closed."


def test_a_symbolic_link_is_followed_and_the_same_rows_give_the_same_bytes():
    Path("target").write_text("old")
    Path("x.csv.gz").symlink_to("target")
    contents = []
    for _ in range(2):
        with TableWriter("x.csv.gz", ["a"]) as writer:
            writer.write([[1.0]])
        contents.append(Path("target").read_bytes())
    assert Path("x.csv.gz").is_symlink()
    assert contents[0] == contents[1]
    assert contents[0][4:8] == bytes(4)  # where gzip puts the time
    assert gzip.decompress(contents[0]) == b"a\n1\n"


def typed(rows=3):
    """Columns of every type, a missing value in each."""
    last = [None] * (rows > 0)
    count = rows - len(last)
    numbers = list(range(count))
    times = pa.array([second * 10**6 + 500_000 * (second % 2) for second in numbers] + last, pa.int64())
    return pa.table(
        {
            "i": pa.array([2**62 + number for number in numbers] + last, pa.int64()),
            "f": pa.array([0.1] * count + last, pa.float32()),
            "b": pa.array([number % 2 > 0 for number in numbers] + last),
            "t": pa.array([f'{number}, "x"' for number in numbers] + last, pa.string()),
            "day": pa.array([18_000 + number for number in numbers] + last, pa.int32()).cast(pa.date32()),
            "time": times.cast(pa.timestamp("us")),
            "zoned": times.cast(pa.timestamp("us", "Europe/Berlin")),
        }
    )


@pytest.mark.parametrize("name", NAMES)
def test_rows_with_types_read_back_as_they_are(name):
    table = typed(1000)
    with TableWriter(name, table.column_names) as writer:
        writer.write_arrow(table.slice(0, 300).replace_schema_metadata({"a": "b"}))
        for batch in table.slice(300).to_batches(max_chunksize=400):
            writer.write_arrow(batch)
        assert writer.rows == 1000
        assert not Path(name).exists()
    read = read_arrow(name)
    if name.endswith((".parquet", ".feather")):
        assert read.equals(table)
    else:  # text has no short floats, and zones are lost but not the instants
        assert read.drop_columns(["f", "zoned"]).equals(table.drop_columns(["f", "zoned"]))
        assert read["f"].cast(pa.float32()).equals(table["f"])
        assert read["zoned"].cast(pa.timestamp("us", "Europe/Berlin")).equals(table["zoned"])
    assert os.listdir() == [name]


def test_types_in_text():
    with TableWriter("x.csv", typed().column_names) as writer:
        writer.write_arrow(typed())
    assert Path("x.csv").read_text() == (
        "i,f,b,t,day,time,zoned\n"
        '4611686018427387904,0.1,false,"0, ""x""",2019-04-14,"1970-01-01 00:00:00","1970-01-01 00:00:00Z"\n'
        '4611686018427387905,0.1,true,"1, ""x""",2019-04-15,"1970-01-01 00:00:01.5","1970-01-01 00:00:01.5Z"\n'
        ",,,,,,\n"
    )
    with TableWriter("y.csv", ["d"]) as writer:
        writer.write_arrow(pa.table({"d": pa.array([86_400_000], pa.date64())}))
    assert Path("y.csv").read_text() == "d\n1970-01-02\n"


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
def test_types_without_rows_are_kept(name):
    with TableWriter(name, typed().column_names) as writer:
        writer.write_arrow(typed(0))
    assert read_arrow(name).num_rows == 0
    assert read_arrow(name).column_names == typed().column_names


def test_rows_with_types_that_do_not_go_together():
    table = pa.table({"a": [1], "b": ["x"]})
    writer = TableWriter("x.csv", ["a", "b"])
    with pytest.raises(ShapeError) as caught:
        writer.write_arrow(table.select(["b", "a"]))
    assert str(caught.value) == "x.csv: expected the columns 'a', 'b', got 'b', 'a'."
    writer.write_arrow(table)
    with pytest.raises(ConfigError) as wrong:
        writer.write_arrow(pa.table({"a": [1.5], "b": ["x"]}))
    assert str(wrong.value) == "x.csv: expected the types of the first batch, got others."
    with pytest.raises(ConfigError) as numbers:
        writer.write([[1, 2]])
    assert str(numbers.value) == "x.csv: its rows have types; write_arrow writes more of them."
    writer.close()
    assert Path("x.csv").read_text() == 'a,b\n1,"x"\n'
    with pytest.raises(ConfigError) as closed:
        writer.write_arrow(table)
    assert str(closed.value) == "x.csv: the writer is closed."
    with TableWriter("y.csv", ["a", "b"]) as plain:
        plain.write([[1, 2]])
        with pytest.raises(ConfigError) as late:
            plain.write_arrow(table)
    assert str(late.value) == "y.csv: expected the types of the first batch, got others."


def test_rows_with_types_leave_nothing_behind_when_something_raises(monkeypatch):
    Path("x.csv").write_text("before")

    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = TableWriter("x.csv", ["a"])
    writer.write_arrow(pa.table({"a": [1]}))
    monkeypatch.setattr(module._Text, "write_table", fail)
    with pytest.raises(OSError, match="No space left"):
        writer.write_arrow(pa.table({"a": [1]}))
    assert os.listdir() == ["x.csv"]
    assert Path("x.csv").read_text() == "before"
