import datetime
import gzip

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from pushforward.data import blocks
from pushforward.data.read import read_arrow, scan_table
from pushforward.data.typed import joined, plain_type
from pushforward.errors import BadTable, ConfigError

DAY = datetime.date(2026, 1, 31)


def refused(*arguments):
    with pytest.raises(BadTable) as caught:
        read_arrow(*arguments)
    return str(caught.value)


def types(table):
    return dict(zip(table.column_names, map(str, table.schema.types), strict=True))


def test_each_column_gets_the_narrowest_type_that_takes_all_its_cells(write):
    rows = [
        "i,d,b,day,time,zoned,fine,text,none",
        "1, 2.5,true,2026-01-31,2026-01-31 10:00:00,2026-01-31T10:00:00Z,2026-01-31 10:00:00.123456789, x ,",
        '?,-1e3,False,,2026-01-31,2026-01-31T10:00:00+02:00,2026-01-31 10:00,"a, b",NA',
    ]
    table = read_arrow(write("x.csv", "\n".join(rows)))
    assert types(table) == {
        "i": "int64",
        "d": "double",
        "b": "bool",
        "day": "date32[day]",
        "time": "timestamp[us]",
        "zoned": "timestamp[us, tz=UTC]",
        "fine": "timestamp[ns]",
        "text": "string",
        "none": "null",
    }
    first, second = table.drop_columns("fine").to_pylist()
    ten = datetime.datetime(2026, 1, 31, 10)
    utc = datetime.UTC
    assert first == {
        **{"i": 1, "d": 2.5, "b": True, "day": DAY, "time": ten, "zoned": ten.replace(tzinfo=utc)},
        **{"text": "x", "none": None},
    }
    assert second == {
        **{"i": None, "d": -1000.0, "b": False, "day": None, "time": datetime.datetime(2026, 1, 31)},
        **{"zoned": datetime.datetime(2026, 1, 31, 8, tzinfo=utc), "text": "a, b", "none": None},
    }


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5"], "double"),
        (["1", "x"], "string"),
        (["1", "true"], "string"),
        (["1", "0x10"], "string"),
        (["1", "+1"], "double"),
        (["1", "nan"], "double"),
        (["9223372036854775807"], "int64"),
        (["9223372036854775808"], "double"),
        (["1_0"], "string"),
        (["TRUE", "false", ""], "bool"),
        (["true", "yes"], "string"),
        (["2026-01-31", "1"], "string"),
        (["2026-01-31", "2026-02-30"], "string"),
        (["2026-1-31"], "string"),
        (["2026-01-31T10:00:00Z", "2026-01-31T10:00:00"], "string"),
        (["2026-01-31 10:00:00", "2026-01-31 10:00:00.123456789"], "timestamp[ns]"),
        (["10:30"], "string"),
        (["?", "null"], "null"),
    ],
)
def test_types_of_cells(write, cells, kind):
    table = read_arrow(write("x.tsv", "\n".join(["a\tb", *(f"{cell}\t1" for cell in cells)])))
    assert types(table)["a"] == kind


def test_types_come_from_all_rows_not_the_first_block(write, monkeypatch):
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 64)
    rows = [f"{row},{row},{row}" for row in range(200)]
    lines = ["a,b,c", *rows[:100], "0.5,x,2", *rows[100:]]
    table = read_arrow(write("x.csv", "\n".join(lines)))
    assert types(table) == {"a": "double", "b": "string", "c": "int64"}
    assert table["b"].to_pylist() == [*map(str, range(100)), "x", *map(str, range(100, 200))]
    assert table["a"].to_pylist()[99:102] == [99.0, 0.5, 100.0]


def test_files_are_one_table_in_one_type(write):
    write("1.csv", "a,b,c\n1,x,1\n")
    write("2.tsv.gz", gzip.compress(b"c\ta\tb\n2026-01-31\t2.5\ty\n"))
    pyarrow.parquet.write_table(
        pa.table({"b": pa.array(["z"]).dictionary_encode(), "a": [3], "c": ["t"]}), write("3.parquet", "")
    )
    table = read_arrow(["1.csv", "2.tsv.gz", "3.parquet"])
    assert types(table) == {"a": "double", "b": "string", "c": "string"}
    assert table.to_pydict() == {"a": [1, 2.5, 3], "b": ["x", "y", "z"], "c": ["1", "2026-01-31", "t"]}
    assert read_arrow(["1.csv", "2.tsv.gz"], ["c", "b"]).column_names == ["c", "b"]


@pytest.mark.parametrize("name", ["x.parquet", "x.feather"])
def test_arrow_files_keep_their_types(write, name):
    table = pa.table(
        {
            "i": pa.array([1, None], pa.int8()),
            "f": pa.array([0.1, None], pa.float32()),
            "s": pa.array([" x", None], pa.large_string()),
            "c": pa.array(["b", "a"], pa.large_string()).dictionary_encode(),
            "m": pa.array([1, None], pa.decimal128(5, 2)),
            "d": pa.array([DAY, None], pa.date32()),
            "t": pa.array([1, None], pa.timestamp("ms", "Europe/Berlin")),
            "b": pa.array([True, None]),
        }
    )
    write(name, "")
    if name == "x.parquet":
        pyarrow.parquet.write_table(table, name)
    else:
        pyarrow.feather.write_feather(table, name)
    read = read_arrow(name)
    assert types(read) == {
        **{"i": "int8", "f": "float", "s": "string", "c": "string", "m": "double", "d": "date32[day]"},
        **{"t": "timestamp[ms, tz=Europe/Berlin]", "b": "bool"},
    }
    assert read["s"].to_pylist() == [" x", None]
    assert read["m"].to_pylist() == [1.0, None]


def test_what_cannot_be_read_is_named(write):
    write("x.csv", "a,b\n1,x\n2\n")
    assert refused("x.csv") == "x.csv, line 3: expected 2 values as in the first line, got 1."
    nested = pa.table({"a": [[1]], "t": pa.array([1], pa.time32("s")), "b": [1]})
    pyarrow.parquet.write_table(nested, write("y.parquet", ""))
    assert refused("y.parquet") == (
        "y.parquet: expected numbers, text, truth values, dates or times, but 'a', 't' are of type "
        "list<element: int64>, time32[ms]. Convert, or leave out with --columns (columns=... in Python)."
    )
    assert read_arrow("y.parquet", ["b"]).num_rows == 1
    pyarrow.parquet.write_table(pa.table({"b": ["x"]}), write("z.parquet", ""))
    assert refused(["z.parquet", "y.parquet"], ["b"]) == (
        "y.parquet: column 'b' is of type int64, which does not go with what other files of the table hold "
        "there (the first is z.parquet). Give it one type, or leave it out with --columns (columns=... in "
        "Python)."
    )
    write("cut.csv.gz", gzip.compress(b"a\nx\n", mtime=0)[:-4])
    assert refused("cut.csv.gz") == "cut.csv.gz: the compressed file is broken or cut off."


def test_a_column_without_a_name_is_left_out_with_a_note(write):
    write("x.csv", ",a,b\n0,1,x\n1,2,y\n")
    files = scan_table("x.csv", typed=True)
    assert files.columns == ("a", "b")
    assert files.notes == ("x.csv: a column without a name, which seems to number the rows, is left out.",)
    assert files.read_arrow().to_pydict() == {"a": [1, 2], "b": ["x", "y"]}
    write("y.csv", "b,a\nz,3\n")
    assert read_arrow(["x.csv", "y.csv"])["a"].to_pylist() == [1, 2, 3]
    pyarrow.parquet.write_table(pa.table({"__index_level_0__": [0], "a": [1]}), write("z.parquet", ""))
    assert read_arrow("z.parquet").column_names == ["a"]


def test_notes_say_nothing_of_truth_values(write):
    write("x.csv", "a,b\ntrue,1\n")
    assert scan_table("x.csv").notes == ("x.csv: true and false read as 1 and 0 in columns: 'a'.",)
    assert scan_table("x.csv", ["a"], typed=True).notes == ("x.csv: columns left out: 'b'.",)


def test_batches_have_so_many_rows_and_one_type(write, monkeypatch):
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 16)
    write("1.csv", "\n".join(["a", *map(str, range(25))]))
    write("2.csv", "a\n0.5\n")
    files = scan_table(["1.csv", "2.csv"])
    batches = list(files.arrow_batches(10))
    assert [batch.num_rows for batch in batches] == [10, 10, 6]
    assert {str(batch.schema.types[0]) for batch in batches} == {"double"}
    assert [cell for batch in batches for cell in batch.column(0).to_pylist()] == [*range(25), 0.5]
    with pytest.raises(ConfigError, match=r"^1.csv and 1 more: expected batches of at least 1 row, got 0\.$"):
        files.arrow_batches(0)


def test_a_table_without_rows_has_its_columns(write):
    table = read_arrow(write("x.csv", "a,b\n"))
    assert (table.num_rows, types(table)) == (0, {"a": "null", "b": "null"})


def test_joined_types():
    cases = [
        (pa.null(), pa.int8(), pa.int8()),
        (pa.int8(), pa.int32(), pa.int64()),
        (pa.uint8(), pa.uint16(), pa.uint64()),
        (pa.uint64(), pa.int8(), pa.float64()),
        (pa.float32(), pa.int8(), pa.float64()),
        (pa.date32(), pa.date64(), pa.date32()),
        (pa.date32(), pa.timestamp("s"), pa.timestamp("s")),
        (pa.date32(), pa.timestamp("s", "UTC"), pa.string()),
        (pa.timestamp("ns"), pa.timestamp("s"), pa.timestamp("ns")),
        (pa.timestamp("s", "UTC"), pa.timestamp("ms", "UTC"), pa.timestamp("ms", "UTC")),
        (pa.timestamp("s", "UTC"), pa.timestamp("s"), pa.string()),
        (pa.bool_(), pa.int64(), pa.string()),
    ]
    for first, second, expected in cases:
        assert joined(first, second) == joined(second, first) == expected


def test_plain_types():
    assert plain_type(pa.dictionary(pa.int8(), pa.large_string())) == pa.string()
    assert plain_type(pa.decimal256(40, 2)) == pa.float64()
    assert plain_type(pa.duration("s")) is plain_type(pa.binary()) is plain_type(pa.list_(pa.int8())) is None
