import math

import pytest

from pushforward.data.schema.column import KINDS, Column
from pushforward.errors import ConfigError

NAN, INF = math.nan, math.inf
REAL = {"name": "a", "kind": "real", "type": "double"}
TEXT = {"name": "a", "kind": "categorical", "type": "string", "categories": ["a"]}
CATEGORIES = "at most 1000 different values of at most 200 characters, numbers ascending"


def case(expected, got, base=REAL, **changes):
    return base | changes, f"Column 'a': expected {expected}, got {got}."


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (REAL | {"name": ""}, "Column '': expected name to be a text of 1 to 1000 characters, got ''."),
        (REAL | {"name": 3}, "Column '3': expected name to be a text of 1 to 1000 characters, got 3."),
        case(f"kind to be one of {', '.join(KINDS)}", "'exec'", kind="exec"),
        case(f"kind to be one of {', '.join(KINDS)}", "[]", kind=[]),
        case("type to be a type such as int64", "'list'", type="list"),
        case("type to be a type such as int64", f"{'x' * 100!r}"[:77] + "...", type="x" * 100),
        case("ordered to be true or false", "1", ordered=1),
        case("missing to be true or false", "None", missing=None),
        case("origin to be a number", "nan", origin=NAN),
        case("origin to be a number", "True", origin=True),
        case("origin to be a number", "1e+301", origin=1e301),
        case("low to be a number or none", "inf", low=INF),
        case("high to be a number or none", "'1'", high="1"),
        case("start to be a number or none", "nan", start=NAN),
        case("step to be a positive number or none", "0", step=0, start=0),
        case("period to be a positive number or none", "-1", period=-1),
        case("decimals to be a whole number from 0 to 22, or none", "23", decimals=23),
        case("decimals to be a whole number from 0 to 22, or none", "1.0", decimals=1.0),
        case("multiple to be a positive whole number", "0", multiple=0),
        case("masses to be at most 200 ascending numbers", "(1, 0)", masses=[1, 0]),
        case("masses to be at most 200 ascending numbers", "(nan,)", masses=[NAN]),
        case("masses to be at most 200 ascending numbers", "0", masses=0),
        case(f"categories to be {CATEGORIES}", "('a', 'a')", TEXT, categories=["a", "a"]),
        case(f"categories to be {CATEGORIES}", "([],)", TEXT, categories=[[]]),
        case(f"categories to be {CATEGORIES}", "(2, 1)", TEXT, type="int64", categories=[2, 1]),
        case(f"categories to be {CATEGORIES}", "'ab'", TEXT, categories="ab"),
        case("constant to be text, a number, true, false or none", "{}", kind="constant", constant={}),
        case("kind to be categorical, constant, identifier for type string", "'real'", type="string"),
        case(
            "kind to be datetime or categorical, constant, identifier for type date32[day]",
            "'real'",
            type="date32[day]",
        ),
        case("type to be a date or timestamp for kind datetime", "'double'", kind="datetime"),
        case("categories to be some for kind categorical, none for another", "()", kind="categorical"),
        case("categories to be some for kind categorical, none for another", "('a',)", categories=["a"]),
        case("categories to be values of type string", "(1,)", TEXT, categories=[1]),
        case("categories to be values of type int64", "(1.5,)", TEXT, type="int64", categories=[1.5]),
        case("categories to be values of type bool", "(1,)", TEXT, type="bool", categories=[1]),
        case("period to be a length for kind angle, none for another", "None", kind="angle"),
        case("period to be a length for kind angle, none for another", "1", period=1),
        case("low to be both ends for kind interval", "None", kind="interval", high=1.0),
        case(
            "start to be a point of the grid where there is a step, none where there is not", "None", step=1
        ),
        case("step to be a number for kind count", "None", kind="count"),
        case("high to be more than low (1)", "1", low=1, high=1),
        case("masses to be codes from low to high", "(-1,)", low=0, masses=[-1]),
        case("masses to be none on a grid", "(0,)", step=1, start=0, masses=[0]),
        case("constant to be a value of type double", "'x'", kind="constant", constant="x"),
    ],
)
def test_what_makes_no_sense_is_refused(data, message):
    with pytest.raises(ConfigError) as caught:
        Column.from_json(data)
    assert str(caught.value) == message


def test_the_most_that_is_taken():
    levels = [f"{number:0200}" for number in range(1000)]
    assert len(Column.from_json(TEXT | {"categories": [*levels, None]}).categories) == 1001
    for wrong in ([*levels, "x", None], ["x" * 201]):
        with pytest.raises(ConfigError):
            Column.from_json(TEXT | {"categories": wrong})
    for masses, fits in ((200, True), (201, False)):
        data = REAL | {"masses": list(range(masses))}
        if fits:
            Column.from_json(data)
        else:
            with pytest.raises(ConfigError):
                Column.from_json(data)
    Column.from_json({"name": "a", "kind": "categorical", "type": "uint64", "categories": [2**64 - 1]})
