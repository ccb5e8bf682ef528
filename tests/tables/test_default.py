"""The rule for tables: what it chooses by rows and columns, and what a user's own choice replaces."""

import dataclasses
import inspect

import pytest

from pushforward import flows
from pushforward.tables.default import settings_for


@pytest.mark.parametrize(
    ("rows", "hidden", "layers", "batch", "steps"),
    [(9_999, (64, 64), 3, 256, 6_000), (10_000, (128, 128), 4, 512, 10_000)],
)
def test_the_number_of_rows_decides_the_size(rows, hidden, layers, batch, steps):
    chosen, notes = settings_for("auto", None, None, rows, 5)
    assert notes == []
    assert (chosen.flow, chosen.batch_size, chosen.steps) == ("nsf", batch, steps)
    assert (chosen.options["hidden"], chosen.options["layers"]) == (hidden, layers)
    assert chosen.options["autoregressive"]


def test_one_column_takes_no_autoregressive_layer():
    assert not settings_for("auto", None, None, 100, 1)[0].options["autoregressive"]


def test_what_is_chosen_are_arguments_of_the_recipe():
    chosen = settings_for("auto", None, None, 100, 3)[0]
    assert set(chosen.options) <= set(inspect.signature(flows.get(chosen.flow)).parameters)


def test_a_users_choice_comes_first():
    chosen = settings_for("auto", {"layers": 7}, 33, 100, 3)[0]
    assert (chosen.options["layers"], chosen.batch_size) == (7, 33)
    other = settings_for("realnvp", {"layers": 2}, None, 100, 3)[0]
    assert (other.flow, other.options) == ("realnvp", {"layers": 2})
    assert dataclasses.replace(other, flow="nsf") != other
