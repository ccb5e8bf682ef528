import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushforward.data.schema.column import Column
from pushforward.data.schema.infer import infer_schema
from pushforward.data.schema.schema import MOST_BYTES, Schema, read_schema
from pushforward.errors import BadTable, ConfigError, ShapeError

COLUMNS = (
    Column("n", "count", "int64", low=0.0, step=1.0, start=0.0, decimals=0),
    Column("id", "identifier", "string"),
    Column("t", "categorical", "string", categories=("a", "b")),
    Column("k", "constant", "date32[day]", constant=3),
    Column("x", "positive", "double", low=0.0, masses=(0.0,), missing=True),
)
SCHEMA = Schema(COLUMNS, ("A note.",))
ROWS = pa.table({"extra": [9] * 3, "x": [0.5, None, 0.0], "t": ["b", "a", "a"], "n": [3, 4, 5]})
CODES = np.array([[3, 1, 0.5], [4, 0, np.nan], [5, 0, 0.0]])


def message(error, function, *arguments, **options):
    with pytest.raises(error) as caught:
        function(*arguments, **options)
    return str(caught.value)


def test_rows_become_codes_by_the_names_of_their_columns():
    np.testing.assert_array_equal(SCHEMA.encode(ROWS), CODES)
    np.testing.assert_array_equal(SCHEMA.encode(ROWS.to_batches()[0].slice(1)), CODES[1:])
    assert [column.name for column in SCHEMA.modelled] == ["n", "t", "x"]
    assert message(BadTable, SCHEMA.encode, ROWS.drop_columns("t")) == (
        "table: columns missing: 't'. It has: 'extra', 'x', 'n'."
    )


def test_codes_become_rows_with_constants_and_without_identifiers():
    table = SCHEMA.decode(CODES)
    assert table.column_names == ["n", "t", "k", "x"]
    assert table.select(["x", "t", "n"]).equals(ROWS.select(["x", "t", "n"]))
    assert table["k"].combine_chunks().equals(pa.array([3] * 3, pa.int32()).cast(pa.date32()))
    assert SCHEMA.decode(CODES[:0]).num_rows == 0
    nothing = Schema((COLUMNS[0], Column("k", "constant", "null")))
    assert nothing.decode([[1.0]]).to_pylist() == [{"n": 1, "k": None}]
    for method in (SCHEMA.decode, SCHEMA.inside, SCHEMA.check):
        assert message(ShapeError, method, CODES[:, :2]) == (
            f"Schema.{method.__name__}: expected codes of shape (rows, 3), got shape (3, 2)."
        )


def test_missing_values_that_are_not_modelled():
    rows = pa.table({"x": [0.5, None, 1], "t": ["a", None, "b"], "n": [None, 1, 2]})
    assert message(BadTable, SCHEMA.encode, rows) == (
        "table: 1 of 3 rows with missing values where the schema does not model them ('n' 1). Drop such rows with "
        "--missing drop (missing='drop' in Python)."
    )
    np.testing.assert_array_equal(SCHEMA.encode(rows, missing="drop"), [[1, -1, np.nan], [2, 1, 1]])
    np.testing.assert_array_equal(
        SCHEMA.encode(rows, missing="keep"), [[np.nan, 0, 0.5], [1, -1, np.nan], [2, 1, 1]]
    )
    assert message(ConfigError, SCHEMA.encode, rows, missing="model") == (
        "Schema.encode: expected missing 'refuse', 'drop' or 'keep', got 'model'."
    )


def test_codes_outside_of_the_support_are_counted():
    codes = np.array([[-1, -1, np.nan], [2.5, 5, -1], [np.nan, 0, 0], [1, 1, 2]])
    assert SCHEMA.inside(codes).astype(int).tolist() == [[0, 0, 1], [0, 0, 0], [0, 1, 1], [1, 1, 1]]
    assert list(map(str, SCHEMA.check(codes))) == [
        "Column 'n': of 4 values 1 outside of the support, 1 between the points of the grid, 1 missing, which is "
        "not modelled.",
        "Column 't': of 4 values 2 unseen categories.",
        "Column 'x': of 4 values 1 outside of the support.",
    ]
    assert SCHEMA.check(CODES) == ()


def test_json_and_back():
    assert Schema.from_json(json.loads(json.dumps(SCHEMA.to_json()))) == SCHEMA


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"format": "pushforward schema 2"},
            'Schema: expected an object with "format": "pushforward schema 1".',
        ),
        ({"x": 1}, "Schema: unknown entry 'x'. Entries: format, columns, notes."),
        ({"columns": []}, "Schema: expected columns to be a list of at least one column."),
        ({"columns": {}}, "Schema: expected columns to be a list of at least one column."),
        ({"columns": [3]}, "Column: expected an object of attributes, got int."),
        ({"notes": "x"}, "Schema: expected notes to be a list of short texts."),
        ({"notes": ["x" * 2001]}, "Schema: expected notes to be a list of short texts."),
        (
            {"columns": [COLUMNS[0].to_json()] * 2},
            "Schema: column names must be different; more than once: 'n'.",
        ),
        (
            {"columns": [COLUMNS[1].to_json()]},
            "Schema: expected at least one column to model; all are constants or identifiers.",
        ),
    ],
)
def test_json_that_is_no_schema(tmp_path, change, expected):
    data = SCHEMA.to_json() | change
    assert message((ConfigError, BadTable), Schema.from_json, data) == expected
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(data))
    assert message(ConfigError, read_schema, path) == f"{path}: {expected}"


def test_schema_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "schema.json"
    path.write_text("\ufeff" + json.dumps(SCHEMA.to_json(), indent=1))
    assert read_schema("schema.json") == SCHEMA
    for content, expected in [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b" " * (MOST_BYTES + 1), "it is larger than 1048576 bytes"),
    ]:
        path.write_bytes(content)
        assert message(ConfigError, read_schema, "schema.json") == (
            f"schema.json: not a schema file: {expected}."
        )
    path.write_bytes(b"[" * 100_000)
    assert message(ConfigError, read_schema, "schema.json").startswith("schema.json: not a schema file: ")
    path.write_text(json.dumps(SCHEMA.to_json()).replace('"start": 0.0', '"start": NaN'))
    assert message(ConfigError, read_schema, "schema.json") == (
        "schema.json: Column 'n': expected start to be a number or none, got nan."
    )
    with pytest.raises(FileNotFoundError):
        read_schema("none.json")


def _column(rng, rows):
    """A column of any type and shape, from the generator alone."""
    scale = 10 ** rng.uniform(-3, 6)
    seconds = rng.integers(0, 2 * 10**9) + rng.integers(0, int(10 ** rng.uniform(1, 8)), rows)
    short = rng.choice(["int8", "int16", "int32", "uint8", "uint16", "uint32", "int64", "uint64"])
    limits = np.iinfo(short)
    unit = rng.choice(["s", "ms", "us", "ns"])
    ticks = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    fraction = rng.integers(0, ticks, rows) if unit in ("ms", "us") else 0
    choices = [
        lambda: rng.integers(limits.min, limits.max, rows, dtype=short, endpoint=True),
        lambda: 2**62 + rng.integers(0, int(10 ** rng.uniform(1, 8)), rows),
        lambda: rng.normal(size=rows) * 10 ** rng.uniform(-150, 150),
        lambda: (rng.normal(size=rows) * scale + 10 ** rng.uniform(0, 9)).astype(
            rng.choice([np.float32, np.float64])
        ),
        lambda: np.round(rng.normal(size=rows) * scale, rng.integers(0, 5)).astype(
            rng.choice([np.float32, np.float64])
        ),
        lambda: np.round(rng.normal(size=rows), 2).astype(np.float16),
        lambda: rng.choice(rng.normal(size=rng.integers(1, 30)), rows),
        lambda: rng.beta(0.3, 0.3, rows),
        lambda: rng.poisson(scale, rows),
        lambda: np.where(rng.random(rows) < 0.5, 0, rng.exponential(scale, rows)),
        lambda: rng.random(rows) < rng.random(),
        lambda: pa.array(rng.choice(["a", "b", "É", "", " x"], rows).tolist()),
        lambda: pa.array(
            (rng.integers(-30_000, 30_000, rows) // rng.integers(1, 1000)).astype(np.int32)
        ).cast(pa.date32()),
        lambda: pa.array(seconds // 3600 * 3600 * ticks).cast(pa.timestamp(unit)),
        lambda: pa.array(seconds * ticks + fraction).cast(pa.timestamp(unit, "Asia/Tokyo")),
    ]
    return pa.array(choices[rng.integers(len(choices))]())


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32), rows=st.sampled_from([3, 10, 50, 500, 2000]), holes=st.booleans())
def test_codes_and_values_are_exact_inverses_whatever_the_table(seed, rows, holes):
    rng = np.random.default_rng(seed)
    columns = [_column(rng, rows) for _ in range(4)]
    if holes:
        absent = [pa.array(rng.random(rows) < 0.2) for _ in columns]
        columns = [
            pa.compute.if_else(where, pa.scalar(None, column.type), column)
            for where, column in zip(absent, columns, strict=True)
        ]
    table = pa.table([*columns, pa.array(np.arange(rows) % 2 > 0)], names=list("abcde"))
    schema = infer_schema(table, {"e": "categorical"}, missing="model")
    codes = schema.encode(table)
    assert schema.check(codes) == ()
    decoded = schema.decode(codes)
    assert decoded.equals(table.select(decoded.column_names))
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    # What a sampler may draw comes back in the support, whatever it is.
    draws = np.nan_to_num(codes) + rng.normal(size=codes.shape) * 10 * np.nanstd(np.nan_to_num(codes), axis=0)
    for place, column in enumerate(schema.modelled):
        if column.kind == "categorical":
            draws[:, place] = rng.integers(len(column.categories), size=rows)
    again = schema.encode(schema.decode(draws))
    assert schema.check(again) == ()
