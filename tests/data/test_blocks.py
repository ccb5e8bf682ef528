import datetime
import gzip

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from pushforward.data import blocks
from pushforward.data.sources import inspect
from pushforward.errors import BadTable

REMEDY = "out with --columns (columns=... in Python)."


def read(name, places=(0, 1)):
    return list(blocks.read_blocks(inspect(name), places))


def refused(name, places=(0, 1)):
    with pytest.raises(BadTable) as caught:
        read(name, places)
    return str(caught.value)


def test_columns_come_in_the_wanted_order_and_others_are_not_looked_at(write):
    (block,) = read(write("x.csv", "a,b,c\n1,oops,2\n3,,4\n"), (2, 0))
    assert block.values.tolist() == [[2, 1], [4, 3]]
    assert block.missing.tolist() == [0, 0]


def test_cells_of_text(write):
    cells = ["1", "+1.5", " 2 ", '"3"', "-1e-400", "1e400", "nan", "", "NA", "?", " ?", "null", '""']
    (block,) = read(write("x.csv", "a,b\n" + "".join(f"0,{cell}\n" for cell in cells)))
    numbers = [1, 1.5, 2, 3, 0, np.inf] + [np.nan] * 7
    np.testing.assert_array_equal(block.values[:, 1], numbers)
    assert block.missing.tolist() == [0, 6]


def test_compressed_text_blank_lines_and_windows_line_ends(write):
    (block,) = read(write("x.tsv.gz", gzip.compress("\ufeffa\tb\r\n1\t2\r\n\r\n3\t4".encode())))
    assert block.values.tolist() == [[1, 2], [3, 4]]


def test_a_text_column_that_is_left_out_may_hold_line_ends(write, monkeypatch):
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 1000)
    found = read(write("x.csv", "a,b\n" + '1,"x\n\ny"\n2,z\n' * 1000), (0,))
    assert len(found) > 5
    assert np.concatenate([block.values for block in found]).tolist() == [[1], [2]] * 1000


def test_every_type_of_number_becomes_float64(write):
    table = pa.table(
        {
            "integer": pa.array([1, None, 2**60]),
            "small": pa.array(np.array([0.5, 1.5, 2.5], np.float16)),
            "single": pa.array(np.array([0.1, 1, 2], np.float32)),
            "decimal": pa.array([1, 2, 3]).cast(pa.decimal128(24, 2)),
            "truth": [True, False, None],
            "nothing": pa.nulls(3),
        }
    )
    pyarrow.parquet.write_table(table, write("x.parquet", ""))
    pyarrow.feather.write_feather(table, write("x.feather", ""))
    nan = np.nan
    for name in ("x.parquet", "x.feather"):
        (block,) = read(name, range(6))
        expected = [
            [1, nan, 2.0**60],
            [0.5, 1.5, 2.5],
            [np.float32(0.1), 1, 2],
            [1, 2, 3],
            [1, 0, nan],
            [nan] * 3,
        ]
        np.testing.assert_array_equal(block.values.T, expected)
        assert block.missing.tolist() == [1, 0, 0, 0, 1, 3]
        assert blocks.boolean_columns(inspect(name), range(6)) == ["truth"]


def test_true_and_false_in_text(write):
    source = inspect(write("x.csv", "a,b\ntrue,1\nFalse,0\n,1\n"))
    assert blocks.boolean_columns(source, (0, 1)) == ["a"]
    np.testing.assert_array_equal(read("x.csv")[0].values, [[1, 1], [0, 0], [np.nan, 1]])


@pytest.mark.parametrize(("row", "count"), [("3", 1), ("3,4,5", 3)])
def test_ragged_rows_are_named_by_their_line(write, row, count):
    name = write("x.csv", f'a,b\n1,"2"\n\n{row}\n5,6\n')
    assert refused(name) == f"x.csv, line 4: expected 2 values as in the first line, got {count}."


def test_text_in_a_number_column_is_shown_with_its_lines(write):
    long = "y" * 50
    rows = ["1,2", "3,x", f"4,{long}", '5," "', "6,z", "7,1_0"]
    assert refused(write("x.csv", "a,b\n" + "\n".join(rows))) == (
        f"x.csv: expected numbers, but 'b' holds text (line 3: 'x', line 4: '{'y' * 37}...', line 6: 'z'). "
        f"Turn them into numbers, or leave this column {REMEDY}"
    )


def test_text_after_the_first_block_is_found(write, monkeypatch):
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 1000)
    name = write("x.csv", "a,b\n" + "1,2\n" * 5000 + "oops,4\n")
    assert refused(name) == (
        "x.csv: expected numbers, but 'a' holds text (line 5002: 'oops'). "
        f"Turn them into numbers, or leave this column {REMEDY}"
    )


def test_dates_and_text_are_told_apart(write):
    assert refused(write("x.csv", "day,name\n2020-01-01,x\n2020-01-02,y\n")) == (
        "x.csv: expected numbers, but 'day' holds dates (line 2: '2020-01-01', line 3: '2020-01-02'); 'name' "
        f"holds text (line 2: 'x', line 3: 'y'). Turn them into numbers, or leave these columns {REMEDY}"
    )


def test_types_that_are_not_numbers_are_refused(write):
    table = pa.table(
        {
            "ok": [1, 2],
            "text": ["x", None],
            "day": [datetime.date(2020, 1, 1)] * 2,
            "kind": pa.array(["u", "v"]).dictionary_encode(),
            "list": [[1], [2]],
        }
    )
    pyarrow.parquet.write_table(table, write("x.parquet", ""))
    assert [block.values.tolist() for block in read("x.parquet", (0,))] == [[[1], [2]]]
    assert refused("x.parquet", (0, 1, 2, 3, 4)) == (
        "x.parquet: expected numbers, but 'text' holds text (row 1: 'x'); 'day' holds dates "
        "(row 1: '2020-01-01', row 2: '2020-01-01'); 'kind' holds categories (row 1: 'u', row 2: 'v'); "
        "'list' holds values of type "
        "list<element: int64> (row 1: '[1]', row 2: '[2]'). Turn them into numbers, or leave these columns "
        + REMEDY
    )


def test_a_compressed_file_that_is_cut_off(write):
    random = np.random.default_rng(0).random((20_000, 2))
    whole = gzip.compress(("a,b\n" + "".join(f"{a},{b}\n" for a, b in random)).encode(), 1)
    name = write("x.csv.gz", whole[: len(whole) // 2])
    with pytest.raises(BadTable, match=r"^x.csv.gz: the compressed file is broken or cut off.$"):
        inspect(name)
    source = blocks.Source("x.csv.gz", "csv", ("a", "b"), lines_before=1)
    for function in (blocks.boolean_columns, lambda *given: list(blocks.read_blocks(*given))):
        with pytest.raises(BadTable) as caught:
            function(source, (0, 1))
        assert str(caught.value) == "x.csv.gz: cannot be read: Truncated compressed stream."


def test_memory_does_not_grow_with_the_file(write, monkeypatch):
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 1000)
    sizes = [len(block.values) for block in read(write("x.csv", "a,b\n" + "1.5,2.5\n" * 10_000))]
    assert sum(sizes) == 10_000
    assert max(sizes) <= 250
