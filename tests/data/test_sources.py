import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from pushforward.data.sources import FORMATS, find_files, format_of, inspect, is_number, reading
from pushforward.errors import BadTable


def refused(function, *arguments):
    with pytest.raises(BadTable) as caught:
        function(*arguments)
    return str(caught.value)


def test_formats_by_extension():
    names = [
        "a.csv",
        "b.CSV",
        "c.csv.gz",
        "d.tsv",
        "e.tsv.gz",
        "f.parquet",
        "g.feather",
        "h.xlsx",
        "csv",
        "i.gz",
    ]
    assert [format_of(name) for name in names] == [
        *["csv"] * 3,
        *["tsv"] * 2,
        *["parquet", "feather"],
        *[None] * 3,
    ]


def test_a_folder_stands_for_its_tables_sorted_by_name(write):
    Path("folder/inner.csv").mkdir(parents=True)
    for name in ("b.csv", "a.tsv", "README.md", ".hidden.csv"):
        write(f"folder/{name}", "x\n")
    write("z.csv", "x\n")
    assert find_files(["z.csv", Path("folder")]) == ("z.csv", "folder/a.tsv", "folder/b.csv")


def test_what_is_no_table_is_named(write):
    Path("empty").mkdir()
    write("x.xlsx", "x")
    assert refused(find_files, "no.csv") == "no.csv: no such file or folder."
    assert refused(find_files, "empty") == f"empty: the folder holds no table. Expected files in {FORMATS}."
    assert (
        refused(find_files, "x.xlsx") == f"x.xlsx: the extension is not one of a table. Expected {FORMATS}."
    )
    assert refused(find_files, []) == "Expected at least one file or folder, got none."


@pytest.mark.parametrize(
    ("first", "columns", "lines"),
    [
        ("a,b", ("a", "b"), 1),
        ("\ufeffa,b", ("a", "b"), 1),
        ("\r\n a , b\r", ("a", "b"), 2),
        ('"a\nb",c', ("a\nb", "c"), 2),
        ("a,1", ("a", "1"), 1),
        ("1.5,-2e3", ("c1", "c2"), 0),
        ("1,?", ("c1", "c2"), 0),
        ("nan,inf", ("c1", "c2"), 0),
        ("0,1", ("0", "1"), 1),
        ("1,2", ("c1", "c2"), 0),
        ("0", ("c1",), 0),
        (",b", ("", "b"), 1),
    ],
)
def test_the_first_line_is_a_header_unless_all_are_numbers(write, first, columns, lines):
    source = inspect(write("x.csv", f"{first}\n3,4\n"))
    assert (source.columns, source.lines_before, source.has_header) == (columns, lines, lines > 0)


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("39, State-gov, 0, 0\n50, Private, 0, 1\n38, State-gov, 2, 0\n", ("c1", "c2", "c3", "c4")),
        ("M,0.4\nF,0.5\nM,?\n", ("c1", "c2")),
        ("M,0.4\nF,0.5\nI,0.6\n", ("M", "0.4")),  # nothing says that M is a value
        ("M,x,y,4\nM,a,b,5\n", ("M", "x", "y", "4")),  # one text of three
        ("M,x,4\nM,a,5\n", ("c1", "c2", "c3")),  # one of two
        ("name,2011,2012\na,3,4\nname,5,6\n", ("c1", "c2", "c3")),
        ("name,2011,2012\na,3,4\nb,5,6\n", ("name", "2011", "2012")),
        ("a,M,1\n1,M,2\n?,M,3\n", ("a", "M", "1")),  # a text over numbers is a name
        ("a,1\n", ("a", "1")),
        ("a,b\na,b\n", ("a", "b")),
    ],
)
def test_a_first_line_whose_texts_stand_again_below_is_a_row(write, content, columns):
    assert inspect(write("x.csv", content)).columns == columns


def test_columns_of_every_format(write):
    table = pa.table({"a": [1.0], "b": [True]})
    pyarrow.parquet.write_table(table, write("x.parquet", ""))
    pyarrow.feather.write_feather(table, write("x.feather", ""))
    write("x.tsv", "a\tb\n1\t2\n")
    write("x.csv.gz", gzip.compress(b"a,b\n1,2\n"))
    for name in ("x.parquet", "x.feather", "x.tsv", "x.csv.gz"):
        assert inspect(name).columns == ("a", "b")
    assert inspect("x.parquet").types == inspect("x.feather").types == (pa.float64(), pa.bool_())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "", "the file is empty."),
        ("x.csv", "\n \n,\n", "the file is empty."),
        ("x.parquet", "", "the file is empty."),
        ("x.csv", b"a,b\n\x00\x01,2\n", "not a text table: it holds binary data."),
        ("x.csv", "a,b\n".encode("utf-16"), "not a text table: its bytes are not UTF-8."),
        ("x.csv", "é,b\n1,2\n".encode("latin-1"), "not a text table: its bytes are not UTF-8."),
        ("x.csv", "a" * 200_000, "not a text table: field larger than field limit (131072)."),
        ("x.csv.gz", "a,b\n1,2\n", "the compressed file is broken or cut off."),
        ("x.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)[:-4], "the compressed file is broken or cut off."),
        ("x.csv", "a,b,a,b,c\n", "column names must be different; more than once: 'a', 'b'."),
        (
            "x.csv",
            "a;b\n1;2\n",
            "the columns seem to be separated by semicolons. "
            "Expected commas in .csv files and tabs in .tsv files.",
        ),
        (
            "x.tsv",
            "1,2\n3,4\n",
            "the columns seem to be separated by commas. "
            "Expected commas in .csv files and tabs in .tsv files.",
        ),
        (
            "x.parquet",
            "no parquet at all",
            "cannot be read: Parquet magic bytes not found in footer. Either the file is corrupted or this "
            "is not a parquet file.",
        ),
        ("x.feather", "no feather at all", "cannot be read: Not an Arrow file."),
    ],
)
def test_broken_files_are_named_with_the_reason(write, name, content, message):
    assert refused(inspect, write(name, content)) == f"{name}: {message}"


def test_errors_of_the_system_are_told_in_its_words():
    def fail():
        with reading("x.csv"):
            raise PermissionError(13, "Permission denied", "x.csv")

    assert refused(fail) == "x.csv: cannot be read: Permission denied."


def test_numbers_are_what_the_reader_takes():
    assert all(map(is_number, ["1", "-.5", "+1e-3", " 2 ", "nan", "inf", "-Infinity"]))
    assert not any(map(is_number, ["", "1_0", "1,5", "0x10", "1d5", "a", "?"]))
