"""Cells as plain data, which may come from a stranger's file."""

import json

import pytest

from pushforward.distributions.encoding import Cells, read_cells
from pushforward.errors import ConfigError

ALL = (
    Cells("levels", count=3, step=1.0),
    Cells("values", low=0.0, scale=2.0, masses=(0.0, 1.5), missing=True),
    Cells("values", step=0.1, start=0.05, density=False),
    Cells("angle", start=-180.0, period=360.0),
)


def test_there_and_back():
    data = json.loads(json.dumps([cells.to_json() for cells in ALL]))
    assert read_cells("recipe", data) == ALL


def test_how_many_coordinates_and_classes():
    assert [cells.width for cells in ALL] == [1, 2, 1, 2]
    assert [cells.classes for cells in ALL] == [0, 4, 0, 0]
    assert [cells.noisy for cells in ALL] == [True, True, True, True]
    assert not Cells("values", low=0.0).noisy


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"kind": "values", "size": 3}, "expected the fields of Cells, got {'kind': 'values', 'size': 3}."),
        ({"kind": "set"}, "expected levels, values or angle as kind, got 'set'."),
        ({"kind": "levels", "count": 0}, "expected from 1 to 65536 levels, got 0."),
        ({"kind": "levels", "count": 10**9}, "expected from 1 to 65536 levels, got 1000000000."),
        ({"kind": "values", "low": "x"}, "expected a finite number as low, got 'x'."),
        ({"kind": "values", "start": None}, "expected a finite number as start, got None."),
        ({"kind": "values", "masses": [float("nan")]}, "expected a finite number as mass 1, got nan."),
        ({"kind": "values", "step": -1.0}, "expected a positive step, got -1.0."),
        ({"kind": "values", "low": 1.0, "high": 1.0}, "expected low below high, got 1.0 and 1.0."),
    ],
)
def test_what_makes_no_sense_is_refused(column, message):
    with pytest.raises(ConfigError) as caught:
        read_cells("mixed", [{"kind": "angle"}, column])
    assert str(caught.value) == f"mixed: column 2: {message}"
