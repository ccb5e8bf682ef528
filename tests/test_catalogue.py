"""The catalogue of the documentation names every map, law and recipe once, and says truly which direction is cheap."""

import re
from pathlib import Path

import jax
import jax.random as jr
import pytest

import cases

PAGE = Path(__file__).parents[1] / "docs" / "catalogue.md"


def _rows():
    """Rows of all tables: the names in the first cell, and the cells."""
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        names = re.findall(r"`(\w+)`", cells[0]) if cells else []
        if names:
            found.append((names, cells))
    return found


ROWS = _rows()
NAMES = [name for names, _ in ROWS for name in names]
CHEAP = {name: cells[2] for names, cells in ROWS for name in names if len(cells) == 7}


def test_every_name_stands_there_once():
    registries = (cases.BIJECTORS, cases.SCALAR_MAPS, cases.LAWS, cases.RECIPES)
    expected = {name.split("-")[0] for registry in registries for name in registry}
    assert sorted(NAMES) == sorted(expected)


def test_no_cell_of_a_map_is_empty_but_the_paper():
    for names, cells in ROWS:
        assert len(cells) in (3, 4, 7), names
        assert all(cells[:-1]), names


@pytest.mark.parametrize("name", [name for name in CHEAP if CHEAP[name] in ("both", "forward", "neither")])
def test_cheap_direction(name):
    registry = cases.BIJECTORS | cases.SCALAR_MAPS
    build = registry[
        name if name in registry else next(key for key in registry if key.split("-")[0] == name)
    ].build
    assert jax.eval_shape(build, jr.key(0)).cheap == CHEAP[name]
