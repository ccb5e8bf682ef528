import json
import math

import numpy as np
import pytest

from pushforward.cli.models import Column, columns_of, description, names_for
from pushforward.data import Table


def test_columns_of_what_fit_writes(stub_fit, rows):
    table = Table(("a", "b", "c"), rows, notes=("A note of the table.",))
    about = json.loads(json.dumps(description(table, stub_fit.result, seed=3, validation=0.1)))
    lows, highs = rows.min(axis=0).tolist(), rows.max(axis=0).tolist()
    assert columns_of(about) == [Column(*parts) for parts in zip("abc", lows, highs, strict=True)]
    assert about["rows"] == 40
    assert about["notes"] == ["A note of the table.", "A note of the fit."]
    assert about["fit"] == {
        "flow": "realnvp",
        "seed": 3,
        "steps": 6,
        "epochs": 2.0,
        "seconds": 2.5,
        "stopped": "epochs",
        "validation_rows": 4,
        "train_log_prob": -1.5,
        "validation_log_prob": -1.75,
    }


@pytest.mark.parametrize(
    "about",
    [
        None,
        {},
        {"columns": 3},
        {"columns": {"name": "a"}},
        {"columns": [3, None]},
        {"columns": [{"low": 1.0}]},
        {"columns": [{"name": ["a"]}]},
    ],
)
def test_columns_of_what_others_write(about):
    assert columns_of(about) == []
    assert names_for(about, 2) == ["c1", "c2"]


def test_names_alone_are_columns_too():
    assert names_for({"columns": ["a", "b"]}, 2) == ["a", "b"]
    (column,) = columns_of({"columns": [{"name": "a", "low": "x"}]})
    assert column.name == "a"
    assert math.isnan(column.low)


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"], ["a", "a"]])
def test_names_that_do_not_fit_the_flow_are_not_used(names):
    assert names_for({"columns": names}, 2) == ["c1", "c2"]


def test_description_is_plain_data_for_many_columns(stub_fit):
    table = Table(tuple(f"column {place}" for place in range(2000)), np.zeros((2, 2000)))
    assert len(json.dumps(description(table, stub_fit.result, seed=0, validation=0.1))) < 2**20
