import json

import pytest

from pushforward.data.schema.column import KINDS, Column
from pushforward.errors import ConfigError

COLUMNS = [
    Column("a", "real", "double", origin=2000.0, decimals=2, missing=True),
    Column("a", "real", "float", step=0.01, start=-0.5),
    Column("a", "positive", "int64", low=0.0, masses=(0.0, 7688.0), decimals=0),
    Column("a", "interval", "double", low=0.0, high=100.0),
    Column("a", "count", "int32", low=0.0, step=1.0, start=3.0, decimals=0),
    Column("a", "categorical", "string", categories=("a", "b", None)),
    Column("a", "categorical", "bool", categories=(False, True), missing=True),
    Column("a", "categorical", "double", categories=(-0.5, 0.5), ordered=True),
    Column("a", "datetime", "timestamp[us, tz=UTC]", origin=18_000.0, multiple=10**6),
    Column("a", "angle", "double", low=-180.0, period=360.0),
    Column("a", "constant", "string", constant="x"),
    Column("a", "identifier", "int64"),
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.kind)
def test_json_and_back(column):
    assert Column.from_json(json.loads(json.dumps(column.to_json()))) == column


def test_json_leaves_defaults_out():
    assert COLUMNS[2].to_json() == {
        **{
            "name": "a",
            "kind": "positive",
            "type": "int64",
            "low": 0.0,
            "masses": [0.0, 7688.0],
            "decimals": 0,
        }
    }


def test_what_a_likelihood_is_and_what_is_modelled():
    assert {column.kind for column in COLUMNS} >= set(KINDS) - {"heavy-tailed", "proportion", "integer"}
    probabilities = [column.kind for column in COLUMNS if column.measure == "probability"]
    assert probabilities == ["count", *["categorical"] * 3]
    assert [column.kind for column in COLUMNS if not column.modelled] == ["constant", "identifier"]
    assert [column.lattice for column in COLUMNS[:5]] == [False, True, False, False, True]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "Column: expected an object of attributes, got list."),
        ({"name": "a", "kind": "real"}, "Column 'a': no 'type'. Attributes: "),
        (
            {"name": "a", "kind": "real", "type": "double", "x" * 99: 1},
            f"Column 'a': unknown {'x' * 40!r}. Attri",
        ),
    ],
)
def test_json_that_is_no_column(data, message):
    with pytest.raises(ConfigError) as caught:
        Column.from_json(data)
    assert str(caught.value).startswith(message)
    if "Attributes" in message:
        assert str(caught.value).endswith(
            "Attributes: name, kind, type, origin, low, high, step, start, categories, ordered, masses, missing, "
            "period, decimals, multiple, constant."
        )
