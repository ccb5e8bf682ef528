import dataclasses

import pytest

from pushforward.data.schema import Column, Schema
from pushforward.report.fitted import fitted, meaning, recipe_in_words


def test_recipes_in_words():
    text = recipe_in_words(
        "mixed", {"flow": "nsf", "options": {"layers": 4, "hidden": [64, 32], "autoregressive": True}}
    )
    assert text.startswith("nsf: ")
    assert (
        "4 layers; hidden layers of 64 and 32 units; autoregressive. Before it, each column becomes" in text
    )
    assert recipe_in_words("mine", {"features": 3, "odd": {"a": 1}}) == 'mine. odd {"a": 1}.'
    assert "from data to base: marginals, whitening" in recipe_in_words(
        "table", {"steps": ["marginals", "whitening"]}
    )


def test_what_the_numbers_mean(subject):
    texts = " ".join(meaning(subject.model))
    assert "probability in <script>alert(1)</script>, count, times the density" in texts
    assert "Single values of share, or missing ones, have a probability of their own" in texts
    assert "from 16 fixed points of the box" in texts


@dataclasses.dataclass
class Model:
    columns: tuple
    given: tuple = ()
    flow = dataclasses.make_dataclass("Flow", [("base", object, None)])()


@pytest.mark.parametrize(
    ("kinds", "given", "text"),
    [
        (["real"], (), "joint density of a row, in nats"),
        (["categorical"], ("a",), "logarithm of the probability of a row given a, in nats"),
    ],
)
def test_densities_and_probabilities(kinds, given, text):
    columns = [
        Column(
            kind,
            kind,
            "string" if kind == "categorical" else "double",
            categories=("x", "y") * (kind == "categorical"),
        )
        for kind in kinds
    ]
    assert text in meaning(Model(Schema(tuple(columns)).columns, given))[0]


def test_columns_are_told(subject):
    (grid,) = [block for block in fitted(subject).blocks if block.kind == "grid"]
    told = {row[0]: row[1:] for row in grid.rows}
    assert told["share"][2:] == ["from 0 to 1", "point masses at 0"]
    assert told["label"][0] == "identifier, left out"
    assert told["day"][0] == "datetime"
    assert told["<script>alert(1)</script>"][2].startswith("3 levels: ")
