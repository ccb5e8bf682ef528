"""Arrow tables for other rooms."""

import numpy as np
import pyarrow as pa
import pytest

from pushforward.data.arrow import arrow_table, as_arrow, stated
from pushforward.data.schema import Column
from pushforward.errors import ConfigError


def test_what_counts_as_a_table():
    table = pa.table({"a": [1, 2]})
    assert as_arrow(table) is table
    assert as_arrow(table.to_batches()[0]).equals(table)
    assert as_arrow({"a": [1, 2]}).equals(table)
    with pytest.raises(ConfigError) as caught:
        as_arrow(3)
    assert (
        str(caught.value) == "expected a table: of Arrow, pandas or polars, or a mapping of columns, got int."
    )


def test_columns_of_arrow_and_of_numbers_make_a_table():
    table = arrow_table([pa.chunked_array([["x", "y"]]), np.array([0.5, 1.5])], ["a", "b"])
    assert table.to_pydict() == {"a": ["x", "y"], "b": [0.5, 1.5]}


def test_stated_values_get_the_types_of_their_columns():
    columns = [
        Column("a", "count", "int64", low=0.0, step=1.0, start=0.0),
        Column("b", "categorical", "bool", categories=(False, True)),
        Column("c", "datetime", "date32[day]"),
    ]
    found = stated(columns, {"b": "true", "a": "3", "c": "2024-02-29"})
    assert [str(kind) for kind in found.schema.types] == ["bool", "int64", "date32[day]"]
    assert found.column("a").to_pylist() == [3]
    for values, message in (
        ({"a": "x"}, "expected a value of type int64 for 'a', got 'x'."),
        ({"z": "1"}, "'z' is not given to the model. It is conditional on a, b, c."),
    ):
        with pytest.raises(ConfigError) as caught:
            stated(columns, values)
        assert str(caught.value) == message
    with pytest.raises(ConfigError) as caught:
        stated([], {"z": "1"})
    assert str(caught.value) == "'z' is not given to the model. It is not conditional."
