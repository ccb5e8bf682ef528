import ast
from pathlib import Path

import numpy as np
import pytest

from pushforward.data import read
from pushforward.data.read import read_batches, read_table, scan_table
from pushforward.errors import BadTable, ConfigError

GAS_TURBINE = Path(__file__).parents[2] / "examples" / "gas-turbine"
COLUMNS = ("AT", "AP", "AH", "AFDP", "GTEP", "TIT", "TAT", "TEY", "CDP", "CO", "NOX")


def refused(*arguments, **options):
    with pytest.raises(BadTable) as caught:
        read_table(*arguments, **options)
    return str(caught.value)


def test_the_example_data_are_whole():
    table = read_table(GAS_TURBINE)
    assert table.columns == COLUMNS
    assert table.values.shape == (36_733, 11)
    assert [Path(name).name for name in table.sources] == [f"gt_{year}.csv" for year in range(2011, 2016)]
    assert table.notes == ()
    assert table.constant_columns() == ()
    assert table.values[0].tolist() == [
        *(4.5878, 1018.7, 83.675, 3.5758, 23.979, 1086.2, 549.83, 134.67, 11.898, 0.32663, 81.952),
    ]
    np.testing.assert_allclose(table.values.mean(axis=0)[[0, 9, 10]], [17.7127, 2.3725, 65.2931], atol=1e-4)


def test_files_are_one_table_in_their_order_with_columns_matched_by_name(write):
    write("1.csv", "a,b\n1,2\n3,4\n")
    write("2.tsv", "b\ta\n6\t5\n")
    table = read_table(["2.tsv", "1.csv"])
    assert table.columns == ("b", "a")
    assert table.values.tolist() == [[6, 5], [2, 1], [4, 3]]
    assert table.sources == ("2.tsv", "1.csv")
    assert table.notes == ()


def test_files_with_other_columns_are_named(write):
    write("1.csv", "a,b\n1,2\n")
    write("2.csv", "c,b\n3,4\n")
    write("3.csv", "a,b,c\n3,4,5\n")
    remedy = "Name the columns to use with --columns (columns=... in Python)."
    assert refused(["1.csv", "2.csv"]) == (
        f"2.csv: its columns differ from those of 1.csv: without 'a', with 'c'. {remedy}"
    )
    assert refused(["1.csv", "3.csv"]) == f"3.csv: its columns differ from those of 1.csv: with 'c'. {remedy}"
    assert (
        refused(["3.csv", "1.csv"]) == f"1.csv: its columns differ from those of 3.csv: without 'c'. {remedy}"
    )
    table = read_table(["1.csv", "2.csv", "3.csv"], ["b"])
    assert table.values.tolist() == [[2], [4], [4]]
    assert table.notes == ("1.csv and 2 more: columns left out: 'a', 'c'.",)


def test_columns_are_chosen_and_ordered(write):
    name = write("x.csv", "a,b,c\n1,x,3\n4,y,6\n")
    table = read_table(name, columns=["c", "a"])
    assert (table.columns, table.values.tolist()) == (("c", "a"), [[3, 1], [6, 4]])
    assert refused(name, ["a", "z"]) == "x.csv: columns missing: 'z'. It has: 'a', 'b', 'c'."
    twice = "x.csv: the list of columns: column names must be different; more than once: 'a'."
    assert refused(name, ["a", "a"]) == twice
    assert refused(name, []) == "x.csv: the list of columns: expected at least one column, got none."


def test_a_table_without_header_and_truth_values_are_noted(write):
    write("x.csv", "1,2\n3,4\n")
    write("y.csv", "5,true\n6,false\n")
    assert read_table("x.csv").notes == ("x.csv: no header; columns c1 to c2.",)
    write("y.csv", "c1,c2\ntrue,5\nfalse,6\n")
    assert read_table(["x.csv", "y.csv"]).notes == (
        "x.csv: no header; columns c1 to c2.",
        "x.csv and 1 more: true and false read as 1 and 0 in columns: 'c1'.",
    )


def test_a_column_without_name_must_be_left_out(write):
    name = write("x.csv", ",a,b\n0,1,2\n1,3,4\n")
    assert refused(name) == (
        "x.csv: column 1 has no name; perhaps it only numbers the rows. Remove it, or name the columns to "
        "use with --columns (columns=... in Python)."
    )
    assert read_table(name, ["a", "b"]).values.tolist() == [[1, 2], [3, 4]]
    assert refused(write("y.csv", "a,__index_level_0__\n1,2\n")).startswith("y.csv: column 2 has no name;")


def test_values_that_are_missing_or_not_finite(write):
    name = write("x.csv", "a,b\n1,\n2,nan\n3,-inf\n4,5\n5,6\n")
    counts = "3 of 5 rows with values that are missing or not finite ('b' 1 missing, 1 NaN, 1 infinite)"
    assert refused(name) == (f"x.csv: {counts}. Drop such rows with drop_nonfinite=True.")
    table = read_table(name, drop_nonfinite=True)
    assert table.values.tolist() == [[4, 5], [5, 6]]
    assert table.notes == (f"x.csv: {counts}; they were dropped.",)


@pytest.mark.parametrize(
    ("content", "minimum", "message"),
    [
        ("a,b,c\n1,2,3\n4,5,6\n", None, "expected at least 3 rows for 3 columns, got 2 rows."),
        ("a\n1\n", None, "expected at least 2 rows for 1 column, got 1 row."),
        ("a,b\n", 1, "expected at least 1 row, got 0 rows."),
    ],
)
def test_too_few_rows(write, content, minimum, message):
    assert refused(write("x.csv", content), minimum_rows=minimum) == f"x.csv: {message}"


def test_one_row_is_enough_for_scoring(write):
    name = write("x.csv", "a,b,c\n1,2,3\n")
    assert read_table(name, minimum_rows=1).values.tolist() == [[1, 2, 3]]
    assert [batch.tolist() for batch in read_batches(name)] == [[[1, 2, 3]]]


def test_batches_hold_the_same_rows_as_the_table():
    table = read_table(GAS_TURBINE, COLUMNS[::-1])
    batches = list(read_batches(GAS_TURBINE, COLUMNS[::-1], 5000))
    assert [len(batch) for batch in batches] == [5000] * 7 + [1733]
    assert np.array_equal(np.concatenate(batches), table.values)


def test_batches_treat_bad_rows_as_asked(write):
    name = write("x.csv", "a,b\n1,2\n,4\n5,6\n")
    files = scan_table(name)
    assert (files.columns, files.files, files.notes) == (("a", "b"), ("x.csv",), ())
    assert np.concatenate(list(files.batches(nonfinite="drop"))).tolist() == [[1, 2], [5, 6]]
    np.testing.assert_array_equal(np.concatenate(list(files.batches(nonfinite="keep")))[1], [np.nan, 4])
    with pytest.raises(BadTable) as caught:
        list(files.batches())
    assert str(caught.value) == (
        "x.csv: 1 of 3 rows with values that are missing or not finite ('a' 1 missing). Drop such rows with "
        "nonfinite='drop'."
    )


def test_what_concerns_files_and_arguments_is_raised_at_once(write):
    with pytest.raises(BadTable):
        read_batches("no.csv")
    with pytest.raises(ConfigError) as caught:
        read_batches(write("x.csv", "a\n1\n"), rows=0)
    assert str(caught.value) == "x.csv: expected batches of at least 1 row, got 0."


def test_an_empty_table_has_no_batches_but_an_error(write):
    batches = read_batches(write("x.csv", "a,b\n"))
    with pytest.raises(BadTable) as caught:
        next(batches)
    assert str(caught.value) == "x.csv: expected at least 1 row, got 0 rows."


def test_pyarrow_is_imported_only_inside_functions():
    for path in Path(read.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "pyarrow" for name in names), path
