import numpy as np
import pytest

from pushforward.data.table import Table, check_names, match_columns, quoted, source_name
from pushforward.errors import BadTable, ShapeError


def table(values, columns="abc", **more):
    return Table(tuple(columns[: np.shape(values)[1]]), np.asarray(values), **more)


def test_values_are_float64_and_read_only_and_the_input_is_left_writeable():
    given = np.ones((2, 3))
    made = table(given)
    assert made.values.dtype == np.float64
    assert not made.values.flags.writeable
    assert given.flags.writeable
    assert table(np.ones((2, 3), dtype=np.int8)).values.dtype == np.float64
    assert len(made) == 2


@pytest.mark.parametrize("shape", [(3,), (3, 2), (1, 3, 1)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ShapeError) as caught:
        Table(("a", "b", "c"), np.zeros(shape))
    assert str(caught.value) == f"Table: expected values of shape (rows, 3), got shape {shape}."


def test_select_reorders_by_name_without_a_note():
    chosen = table([[1, 2, 3], [4, 5, 6]], notes=("before",)).select(["c", "a", "b"])
    assert chosen.columns == ("c", "a", "b")
    assert chosen.values.tolist() == [[3, 1, 2], [6, 4, 5]]
    assert chosen.notes == ("before",)


def test_select_leaves_columns_out_with_a_note():
    chosen = table([[1, 2, 3]], sources=("x.csv",)).select(["b"])
    assert chosen.values.tolist() == [[2]]
    assert chosen.notes == ("x.csv: columns left out: 'a', 'c'.",)


def test_select_names_the_columns_that_are_missing():
    with pytest.raises(BadTable) as caught:
        table([[1, 2, 3]], sources=("x.csv", "y.csv")).select(["a", "z", "y"])
    assert str(caught.value) == "x.csv and 1 more: columns missing: 'z', 'y'. It has: 'a', 'b', 'c'."


def test_select_refuses_a_name_given_twice():
    with pytest.raises(BadTable) as caught:
        table([[1, 2, 3]]).select(["a", "b", "a"])
    message = "table: the list of columns: column names must be different; more than once: 'a'."
    assert str(caught.value) == message


def test_constant_columns():
    assert table([[1, 2, 0], [1, 3, -0.0], [1, 2, 0]]).constant_columns() == ("a", "c")
    assert table(np.empty((0, 3))).constant_columns() == ()


def test_duplicate_columns_are_paired_with_the_first():
    values = np.array([[0.0, -0.0, 1.0, 0.0], [2.0, 2.0, 2.0, 2.0]])
    assert table(values, "abcd").duplicate_columns() == (("a", "b"), ("a", "d"))
    assert table(values[:, 1:3]).duplicate_columns() == ()


def test_names_must_be_there_and_differ():
    check_names("x", ["a", "A"])
    with pytest.raises(BadTable) as caught:
        check_names("x", [])
    assert str(caught.value) == "x: expected at least one column, got none."
    with pytest.raises(BadTable) as caught:
        check_names("x", ["b", "a", "b", "a", "c"])
    assert str(caught.value) == "x: column names must be different; more than once: 'b', 'a'."


def test_small_helpers():
    assert match_columns("x", ["a", "b"], ["b", "a", "b"]) == [1, 0, 1]
    assert source_name(()) == "table"
    assert source_name(("a.csv",)) == "a.csv"
    assert quoted(["a", "b", "c"], most=2) == "'a', 'b' and 1 more"
