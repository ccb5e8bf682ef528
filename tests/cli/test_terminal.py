import json
import math

import pytest

from pushforward.cli.terminal import Terminal

VALUES = {"mean": 1.5, "error": math.nan, "low": -math.inf, "names": ("a", "ü"), "more": {"n": 3, "ok": True}}


def test_results_go_to_standard_output_and_the_rest_to_standard_error(capsys):
    terminal = Terminal(quiet=False, as_json=False)
    terminal.notes(["one", "two"])
    terminal.warn("careful")
    terminal.summary(VALUES, "a line")
    assert capsys.readouterr() == ("a line\n", "note: one\nnote: two\npushforward: careful\n")


def test_json_has_no_numbers_that_json_lacks(capsys):
    Terminal(quiet=False, as_json=True).result(VALUES, "a line")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out, parse_constant=pytest.fail) == {
        "mean": 1.5,
        "error": None,
        "low": None,
        "names": ["a", "ü"],
        "more": {"n": 3, "ok": True},
    }


@pytest.mark.parametrize(("as_json", "out"), [(False, ""), (True, '{"n": 1}\n')])
def test_quiet(capsys, as_json, out):
    terminal = Terminal(quiet=True, as_json=as_json)
    terminal.notes(["one"])
    terminal.summary({"n": 1}, "a line")
    assert capsys.readouterr() == (out, "")
    terminal.warn("careful")
    assert capsys.readouterr().err == "pushforward: careful\n"


def test_counting_is_silent_where_nobody_looks(capsys):
    with Terminal(quiet=False, as_json=False).counting("rows", 10) as advance:
        advance(5)
    assert capsys.readouterr() == ("", "")


def test_counting_draws_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Terminal(quiet=False, as_json=False).counting("sampling", 10) as advance:
        advance(10)
    out, err = capsys.readouterr()
    assert out == ""
    assert "sampling" in err
    assert "100%" in err
