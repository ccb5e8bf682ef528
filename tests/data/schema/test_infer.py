import datetime
import json

import numpy as np
import pyarrow as pa
import pytest

from pushforward.data.schema import infer
from pushforward.data.schema.column import Column
from pushforward.data.schema.infer import infer_schema
from pushforward.errors import BadTable, ConfigError

RNG = np.random.default_rng(0)
X = RNG.normal(size=100)


def kinds(schema):
    return {column.name: column.kind for column in schema.columns}


def refused(error, *arguments, **options):
    with pytest.raises(error) as caught:
        infer_schema(*arguments, **options)
    return str(caught.value)


def test_a_table_with_columns_of_every_kind():
    hours = pa.array(np.arange(100) * 3600, pa.timestamp("s"))
    table = pa.table(
        {
            "real": X,
            "heavy": np.tan(X * 1.5),
            "positive": RNG.gamma(0.3, size=100),
            "percent": np.r_[0.5, 99.5, RNG.uniform(2, 98, 98)],
            "proportion": np.r_[0.01, 0.99, RNG.uniform(0, 1, 98)],
            "integer": RNG.integers(-50, 50, 100),
            "count": RNG.poisson(6, 100),
            "level": RNG.permutation(np.arange(100) % 5),
            "truth": X > 0,
            "text": pa.array(["b", "a", None, "É"] * 25).dictionary_encode(),
            "decimal": pa.array([1, 2] * 50, pa.decimal128(5, 2)),
            "day": pa.array(np.arange(100, dtype=np.int32), pa.date32()),
            "time": hours,
            "heading": np.arange(100) * 3.6 + 1 / 3,
            "one": ["x"] * 100,
            "none": pa.nulls(100),
            "row": np.arange(100),
            "name": [f"name {row}" for row in range(100)],
        }
    )
    schema = infer_schema(table)
    assert kinds(schema) == {
        **{"real": "real", "heavy": "heavy-tailed", "positive": "positive", "percent": "interval"},
        **{"proportion": "proportion", "integer": "integer", "count": "count", "level": "categorical"},
        **{"truth": "categorical", "text": "categorical", "decimal": "categorical", "day": "datetime"},
        **{"time": "datetime", "heading": "angle", "one": "constant", "none": "constant"},
        **{"row": "identifier", "name": "identifier"},
    }
    by_name = {column.name: column for column in schema.columns}
    assert by_name["text"] == Column("text", "categorical", "string", categories=("a", "b", "É", None))
    assert by_name["truth"].categories == (False, True)
    assert by_name["decimal"].type == "double"
    assert schema.notes == (
        "Column 'one' is left out: all values are 'x'.",
        "Column 'none' is left out: all values are None.",
        "Column 'row' is left out as an identifier: its numbers differ in every row.",
        "Column 'name' is left out as an identifier: 100 of 100 texts stand in one row only.",
    )
    codes = schema.encode(table)
    decoded = schema.decode(codes)
    assert decoded.column_names == [name for name in table.column_names if name not in ("row", "name")]
    for name in decoded.column_names:
        column = table[name].combine_chunks()
        if name == "text":
            column = column.dictionary_decode()
        assert decoded[name].combine_chunks().equals(column.cast(decoded[name].type)), name


@pytest.mark.parametrize(
    ("texts", "kind", "reason"),
    [
        (["a", "a", "b"], "categorical", None),
        (["a", "a", "b", "c"], "identifier", "2 of 4 texts stand in one row only"),
        (["a", "a", "b", "c", None, None, None], "identifier", "2 of 4 texts stand in one row only"),
        (["x" * 200] * 5 + ["y"], "categorical", None),
        (["x" * 201] * 5 + ["y"], "identifier", "it holds a text of 201 characters, more than 200"),
        (["x" * 201] * 5, "identifier", "it holds a text of 201 characters, more than 200"),
        ([str(number) for number in range(1000)] * 3, "categorical", None),
        (
            [str(number) for number in range(1001)] * 3,
            "identifier",
            "it holds 1001 different texts, more than 1000",
        ),
        (["x", "x", None], "categorical", None),
        (["x"], "constant", None),
    ],
)
def test_text(texts, kind, reason):
    schema = infer_schema(pa.table({"a": texts, "x": RNG.normal(size=len(texts))}), {"x": "real"})
    assert schema.columns[0].kind == kind
    assert reason is None or schema.notes == (f"Column 'a' is left out as an identifier: {reason}.",)


def test_rare_texts_are_noted():
    texts = ["a"] * 50 + ["b"] * 48 + ["c"]
    assert infer_schema(pa.table({"a": [*texts, "a"]})).notes == (
        "Column 'a': 1 of 100 rows hold a text that no other row has; about as large a share of new rows will hold "
        "one that the schema does not have.",
    )
    assert infer_schema(pa.table({"a": [*texts, "a", "a"]})).notes == ()


def test_why_numbers_are_identifiers():
    table = pa.table({"a": np.r_[RNG.integers(2**62, 2**63 - 1, 50), [2**62] * 2], "x": ["a", "b"] * 26})
    note = (
        "Column 'a' is left out as an identifier: its numbers are too large for doubles to tell them apart."
    )
    assert infer_schema(table).notes == (note,)


def test_masses_of_times_are_noted():
    seconds = np.r_[RNG.integers(0, 10**9, 900), np.zeros(100, np.int64)]
    schema = infer_schema(pa.table({"a": pa.array(seconds, pa.timestamp("s"))}))
    assert schema.columns[0].masses == (0.0,)
    assert schema.notes == ("Column 'a' has point masses at 1970-01-01 00:00:00 (10.0% of the rows).",)


MISSING = {
    "i": [1, None, 3, 4],
    "t": ["a", None, "a", "a"],
    "f": [0.5, 1.5, np.nan, 2.75],
    "id": ["a", "b", "c", None],
}


def test_missing_values_are_refused_with_counts():
    table = pa.table(MISSING)
    assert refused(BadTable, table) == (
        "table: 2 of 4 rows with values that are missing ('i' 1 missing; 'f' 1 missing). Drop such rows with "
        "--missing drop, or model what is missing with --missing model (missing=... in Python)."
    )
    assert infer_schema(table.select(["t", "id"])).columns[0].categories == ("a", None)
    assert kinds(infer_schema(table, {"i": "identifier", "f": "identifier"}))["i"] == "identifier"


def test_missing_values_are_dropped():
    schema = infer_schema(
        pa.table({"t": ["a", None, "c", "a", "c"], "i": [1, None, 3, 4, 5]}), missing="drop"
    )
    assert schema.columns[0].categories == ("a", "c")
    assert schema.notes == ("1 of 5 rows with values that are missing ('i' 1 missing); they were dropped.",)
    assert refused(
        BadTable, pa.table({"a": [1, None], "b": [None, 2]}), {"a": "real", "b": "real"}, missing="drop"
    ) == ("table: no row is left: 2 of 2 rows with values that are missing ('a' 1 missing; 'b' 1 missing).")


def test_rows_in_messages_are_those_of_the_table_also_after_dropping():
    table = pa.table({"a": [1, None, 2.5, 3, 4], "b": [1, 2, 3, None, 4.5]})
    expected = "Column 'b': expected whole numbers for integer, got 1 of 4 values that are not (row 5: 4.5)."
    assert refused(ConfigError, table, {"b": "integer"}, missing="drop") == expected


def test_missing_values_are_modelled():
    table = pa.table(MISSING | {"one": [7, 7, 7, None], "yes": [True, None, True, True]})
    schema = infer_schema(table, missing="model")
    assert [column.name for column in schema.modelled if column.missing] == ["i", "f", "one", "yes"]
    assert schema.notes == (
        "Column 'i': 1 missing values are modelled.",
        "Column 'f': 1 missing values are modelled.",
        "Column 'id' is left out as an identifier: 3 of 3 texts stand in one row only.",
        "Column 'one': 1 missing values are modelled.",
        "Column 'yes': 1 missing values are modelled.",
    )
    codes = schema.encode(table)
    assert np.isnan(codes).sum(axis=0).tolist() == [1, 0, 1, 1, 1]
    decoded = schema.decode(codes).to_pydict()
    assert decoded["i"] == [1, None, 3, 4]
    assert decoded["f"] == [0.5, 1.5, None, 2.75]
    assert decoded["one"] == [7, 7, 7, None]
    assert decoded["yes"] == [True, None, True, True]
    left_out = infer_schema(table.select(["t", "one"]))
    assert left_out.notes == ("Column 'one' is left out: all values are 7 or missing.",)


def test_infinite_values_are_refused_or_dropped():
    table = pa.table({"a": [1.5, np.inf, None, 2.5]})
    for missing in ("refuse", "model"):
        assert refused(BadTable, table, missing=missing) == (
            "table: 2 of 4 rows with values that are missing or infinite ('a' 1 missing, 1 infinite). Drop such "
            "rows with --missing drop (missing='drop' in Python)."
        )
    assert infer_schema(table, missing="drop").columns[0].start == 1.5


def test_point_masses_are_noted_the_largest_first():
    values = np.concatenate(
        [RNG.uniform(-9, 9, 500), np.zeros(300), np.full(100, 2.5), np.full(50, 3.5), np.full(50, -7)]
    )
    schema = infer_schema(pa.table({"a": values}))
    assert schema.columns[0].masses == (-7.0, 0.0, 2.5, 3.5)
    assert schema.notes == (
        "Column 'a' has point masses at 0 (30.0% of the rows), 2.5 (10.0% of the rows), -7 (5.0% of the rows) and "
        "1 more.",
    )


@pytest.mark.parametrize(
    ("column", "kind", "message"),
    [
        (
            ["x", "y"],
            "real",
            "numbers for real, got text (row 1: 'x', row 2: 'y'). It can be categorical or identifier.",
        ),
        (
            ["2026"],
            "datetime",
            "dates or times for datetime, got text (row 1: '2026'). It can be categorical or identifier.",
        ),
        (["x", "y"], "constant", "one value for constant, got 2 different ones."),
        (
            [True, False],
            "count",
            "numbers for count, got true and false. They can be categorical or identifier.",
        ),
        ([True, False], "constant", "one value for constant, got 1 of 2 values that are not (row 2: False)."),
        (
            [datetime.date(2026, 1, 1)],
            "real",
            "numbers for real, got dates or times. They can be datetime, categorical or identifier.",
        ),
    ],
)
def test_kinds_that_do_not_go_with_the_type(column, kind, message):
    assert refused(ConfigError, pa.table({"a": column}), {"a": kind}) == f"Column 'a': expected {message}"


def test_text_that_a_schema_cannot_hold_cannot_be_categorical():
    texts = [f"name {row}" for row in range(1001)]
    expected = "Column 'a': it cannot be categorical: it holds 1001 different texts, more than 1000."
    assert refused(ConfigError, pa.table({"a": texts}), {"a": "categorical"}) == expected
    few = infer_schema(pa.table({"a": texts[:9]}), {"a": "categorical"})
    assert len(few.columns[0].categories) == 9


def test_what_makes_no_table():
    assert (
        refused(BadTable, pa.table({"a": pa.array([], pa.int64())}))
        == "table: expected at least 1 row, got 0 rows."
    )
    assert refused(BadTable, pa.table({})) == "table: expected at least one column, got none."
    assert refused(BadTable, pa.table({"a": [1.5, None, 3]}), {"a": "real"}, name="x.csv").startswith(
        "x.csv: 1 of 3 rows"
    )
    assert refused(ConfigError, pa.table({"a": [1, 1]})) == (
        "Schema: expected at least one column to model; all are constants or identifiers."
    )
    assert refused(ConfigError, pa.table({"a": [1]}), missing="keep") == (
        "infer_schema: expected missing 'refuse', 'drop' or 'model', got 'keep'."
    )


def test_a_schema_stays_small(monkeypatch):
    monkeypatch.setattr(infer, "MOST_BYTES", 1000)
    table = pa.table({"a": [f"level {number}" for number in range(70)] * 2, "b": ["x", "y"] * 70})
    schema = infer_schema(table)
    assert kinds(schema) == {"a": "identifier", "b": "categorical"}
    assert schema.notes == (
        "Column 'a' is left out as an identifier: with its 70 categories the schema would be too large.",
    )
    wide = pa.table({f"column {number}": X for number in range(50)})
    assert refused(ConfigError, wide) == "infer_schema: 50 columns are more than a schema can hold."


CAREFUL = {
    "mixed/adult-train.csv": {
        **{
            "age": "integer 1",
            "workclass": "categorical 9",
            "fnlwgt": "positive",
            "education": "categorical 16",
        },
        **{"education-num": "ordered 16", "marital-status": "categorical 7", "occupation": "categorical 15"},
        **{"relationship": "categorical 6", "race": "categorical 5", "sex": "categorical 2"},
        **{
            "capital-gain": "positive, masses",
            "capital-loss": "positive, masses",
            "hours-per-week": "count 1",
        },
        **{"native-country": "categorical 42", "income": "categorical 2"},
    },
    "mixed/diamonds.csv": {
        **{
            "carat": "real 0.01",
            "cut": "categorical 5",
            "color": "categorical 7",
            "clarity": "categorical 8",
        },
        **{"depth": "real 0.1", "table": "real 0.1", "price": "real", "x": "real 0.01", "y": "real 0.01"},
        "z": "real 0.01",
    },
    "mixed/abalone.csv": {
        **{
            "sex": "categorical 3",
            "length": "real 0.005",
            "diameter": "real 0.005",
            "height": "positive 0.005",
        },
        **{
            "whole": "positive",
            "shucked": "positive",
            "viscera": "positive 0.0005",
            "shell": "positive 0.0005",
        },
        "rings": "count 1",
    },
    "gas-turbine": {
        **{"AT": "real", "AP": "real 0.01", "AH": "real", "AFDP": "real", "GTEP": "real", "TIT": "real 0.1"},
        **{"TAT": "real", "TEY": "real", "CDP": "real", "CO": "positive", "NOX": "real"},
    },
    "uci/bike/data.csv.gz": {
        **{"c1": "ordered 2", "c2": "ordered 12", "c3": "real 1", "c4": "ordered 4", "c5": "ordered 2"},
        **{"c6": "ordered 12", "c7": "real 1", "c8": "ordered 2", "c9": "ordered 7", "c10": "ordered 2"},
        **{"c11": "real 0.999993", "c12": "real 0.02", "c13": "real 0.0151515", "c14": "real 0.01"},
        **{"c15": "real 0.0149246", "c16": "real 0.999989", "c17": "real 1", "c18": "real, masses"},
    },
}


def in_short(column):
    if column.kind == "categorical":
        return f"{'ordered' if column.ordered else 'categorical'} {len(column.categories)}"
    return (
        column.kind + (f" {column.step:.6g}" if column.step else "") + (", masses" if column.masses else "")
    )


@pytest.mark.parametrize("name", CAREFUL)
def test_real_tables(real_table, name):
    """What a careful person would write down; and all values come back as they were, bit for bit."""
    table = real_table(name)
    schema = infer_schema(table)
    assert {column.name: in_short(column) for column in schema.columns} == CAREFUL[name]
    codes = schema.encode(table)
    assert schema.check(codes) == ()
    assert schema.decode(codes).equals(table)
    assert len(json.dumps(schema.to_json())) < 4000


@pytest.mark.parametrize("name", CAREFUL)
def test_held_out_rows_of_real_tables_lie_in_the_support(real_table, name):
    table = real_table(name)
    order = np.random.default_rng(0).permutation(len(table))
    schema = infer_schema(table.take(order[: len(table) * 4 // 5]))
    assert schema.check(schema.encode(table.take(order[len(table) * 4 // 5 :]))) == ()


def test_the_masses_of_capital_gains(real_table):
    schema = infer_schema(real_table("mixed/adult-train.csv"))
    gain = next(column for column in schema.columns if column.name == "capital-gain")
    assert gain.masses == (0.0, 3103.0, 5178.0, 7298.0, 7688.0, 15024.0, 99999.0)
    (misfit,) = schema.check(schema.encode(real_table("mixed/adult-test.csv")))
    assert (
        str(misfit) == "Column 'income': of 16281 values 16281 unseen categories."
    )  # they end in a full stop
