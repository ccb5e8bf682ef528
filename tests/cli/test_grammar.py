import re
from pathlib import Path

import pytest

from pushforward.cli.grammar import (
    as_missing,
    check_output,
    check_recipe,
    check_schema_options,
    column_kinds,
    column_names,
    conditions,
    recipe_options,
)
from pushforward.errors import ConfigError


def refused(message):
    return pytest.raises(ConfigError, match=f"^{re.escape(message)}$")


def test_column_names():
    assert column_names(None) is None
    assert column_names("AT, CO,wind speed") == ["AT", "CO", "wind speed"]
    with refused("--columns: expected names separated by commas, got 'a,,b'."):
        column_names("a,,b")


def test_recipe_options():
    assert recipe_options(None) is None
    assert recipe_options([]) is None
    texts = ["layers=4", "hidden=64,32", "activation=tanh", "max-scale=1.5", "linear=true"]
    expected = {"layers": 4, "hidden": [64, 32], "activation": "tanh", "max_scale": 1.5, "linear": True}
    assert recipe_options(texts) == expected


@pytest.mark.parametrize("text", ["layers", "=4", "layers="])
def test_recipe_options_need_name_and_value(text):
    with refused(f"--option: expected name=value, such as layers=4, got {text!r}."):
        recipe_options([text])


def test_check_recipe_accepts_what_the_recipe_takes():
    assert check_recipe("auto", None) == ("auto", None)
    assert check_recipe("nsf", {"layers": 2, "hidden": 8}) == ("nsf", {"layers": 2, "hidden": [8]})
    assert check_recipe("nsf", {"dropout": 0}) == ("nsf", {"dropout": 0})
    # What it does not know is left to the recipe, which names what it takes.
    assert check_recipe("nsf", {"depth": 2}) == ("nsf", {"depth": 2})


def test_check_recipe_knows_short_names():
    assert check_recipe("nsf-ar", None) == ("nsf", {"autoregressive": True})
    assert check_recipe("nsf_ar", {"layers": 2}) == ("nsf", {"autoregressive": True, "layers": 2})
    assert check_recipe("maf-mog", None) == ("maf_mog", None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": "x"}, "--option: expected layers to be like 8, got 'x'."),
        ({"layers": 2.5}, "--option: expected layers to be like 8, got 2.5."),
        ({"layers": True}, "--option: expected layers to be like 8, got True."),
        ({"hidden": [8, "x"]}, "--option: expected hidden to be like (128, 128), got 'x'."),
    ],
)
def test_check_recipe_refuses_other_kinds(options, message):
    with refused(message):
        check_recipe("nsf", options)


def test_check_recipe_refuses_unknown_recipes():
    with pytest.raises(
        ConfigError, match=r"^--flow: expected auto, nsf-ar or one of .*nice, .*nsf.*, got 'table'\.$"
    ):
        check_recipe("table", None)
    with refused("--option: its meaning depends on the recipe: name one with --flow."):
        check_recipe("auto", {"layers": 2})


def test_column_kinds():
    assert column_kinds(None) == {}
    texts = ["age=count", "a = b=interval(0,100)"]
    assert column_kinds(texts) == {"age": "count", "a = b": "interval(0,100)"}
    for text in ("age", "=count", "age="):
        with refused(f"--column: expected name=kind, such as age=count, got {text!r}."):
            column_kinds([text])


def test_conditions():
    assert conditions("a=3, b=x=y") == {"a": "3", "b": "x=y"}
    with refused("--given: expected values such as a=3,b=high, or a table of them, got 'a=3,b'."):
        conditions("a=3,b")


def test_missing():
    assert [as_missing(text) for text in ("refuse", "drop", "model")] == ["refuse", "drop", "model"]
    with refused("--missing: expected refuse, drop or model, got 'no'."):
        as_missing("no")


def test_a_schema_file_stands_alone():
    check_schema_options(None, {"a": "real"}, "model")
    check_schema_options(Path("s.json"), {}, "drop")
    with refused(
        "--column: a schema file says what the columns are: change it there, or leave out --schema."
    ):
        check_schema_options(Path("s.json"), {"a": "real"}, "refuse")
    with refused("--missing model: a schema file says where values may be missing: change it there."):
        check_schema_options(Path("s.json"), {}, "model")


def test_check_output(tmp_path):
    table = tmp_path / "t.csv"
    table.touch()
    check_output(tmp_path / "new.csv", [table])
    with refused(f"{table} cannot be written: it is also an input. Choose another name with -o."):
        check_output(table, [tmp_path / "other.csv", table])
    with pytest.raises(
        IsADirectoryError, match=r" cannot be written: it is a folder, and a file name is needed\.$"
    ):
        check_output(tmp_path, [])
    with pytest.raises(
        FileNotFoundError, match=r"x/y.csv cannot be written: the folder .*/x does not exist\.$"
    ):
        check_output(tmp_path / "x" / "y.csv", [])
