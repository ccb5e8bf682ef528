import json

import numpy as np
import pytest

from pushforward import io
from pushforward.cli import check
from pushforward.cli.terminal import Terminal
from pushforward.tables import load_frame


@pytest.fixture(scope="module")
def drawn(flow):
    import jax

    return np.asarray(flow.sample(jax.random.key(1), (600,)), np.float64)


def test_a_model_passes_on_its_own_draws(cli, model, drawn, write):
    outcome = cli("check", model, write(drawn[:300]), "--training", write(drawn[300:], name="training.csv"))
    assert outcome.code == 0, outcome.out
    lines = outcome.out.splitlines()
    assert lines[0].startswith("pass  support            0 of 300 rows")
    assert lines[1].startswith("pass  density            0 of 300 rows")
    assert ", 0 to look at, 0 fail, " in lines[-1]
    assert any(line.startswith("log_prob ") and line.endswith("rows/s") for line in lines)


def test_rows_from_elsewhere_fail_with_exit_code_1(cli, model, drawn, write):
    outcome = cli("check", model, write(drawn[:300] + 5.0), "--json", "-q")
    assert (outcome.code, outcome.err) == (1, "")
    found = json.loads(outcome.out)
    assert found["verdict"] == "fail"
    verdicts = {finding["name"]: finding["verdict"] for finding in found["findings"]}
    assert verdicts["two samples"] == verdicts["base marginals"] == "fail"
    assert verdicts["log-det"] == "pass"
    assert verdicts["overfit"] == "n/a"
    assert next(f["value"] for f in found["findings"] if f["name"] == "overfit") is None
    assert {speed["direction"] for speed in found["speeds"]} == {"log_prob", "sample", "sample_and_log_prob"}


def test_input_errors(cli, model, rows, write):
    outcome = cli("check", model, write(rows[:, :2], ("a", "x")))
    assert outcome.code == 2
    assert "columns missing: 'b', 'c'" in outcome.err
    one = write(rows[:1], name="one.csv")
    assert cli("check", model, one).err == (
        f"pushforward: error: {one}: expected at least 2 rows to check, got 1.\n"
    )


def test_rows_with_gaps_are_left_out_and_it_is_said(cli, model, drawn, write):
    rows = drawn[:200].copy()
    rows[3, 1], rows[9, 0] = np.nan, np.inf
    table = write(rows)
    outcome = cli("check", model, table)
    assert outcome.code == 0, outcome.out
    assert f"note: {table}: 2 of 200 rows hold missing or infinite values: left out.\n" in outcome.err


def test_impossible_rows_are_a_finding(cli, flow, drawn, tmp_path, write):
    bounded = [{"name": name, "kind": "positive", "type": "double", "low": -100.0} for name in "abc"]
    about = {"schema": {"format": "pushforward schema 1", "columns": bounded}}
    io.save(flow, tmp_path / "m.safetensors", table=about)
    rows = drawn[:300].copy()
    rows[7, 2] = -200.0
    outcome = cli("check", tmp_path / "m.safetensors", write(rows))
    assert outcome.code == 1
    assert outcome.out.startswith(
        "fail  support            1 of 300 rows hold a value that the model gives no"
    )
    assert "note: Column 'c': of 300 values 1 outside of the support." in outcome.err


def test_large_tables_are_thinned_evenly(monkeypatch, model, rows, write):
    rows = rows[np.argsort(rows[:, 0])]
    monkeypatch.setattr(check, "MOST", 15)
    found = check.read_codes(load_frame(model), [write(rows)], Terminal(quiet=True, as_json=False))
    assert found.given is None
    assert found.inside.all()
    spread = np.searchsorted(rows[:, 0], found.rows[:, 0])
    assert len(found.rows) == 15
    assert np.diff(spread).max() <= 4


def test_names_with_control_characters_are_not_shown(cli, flow, tmp_path, drawn, write):
    names = ("a\x1b[31m", "b\x1b[31m", "c\x1b[31m")
    path = tmp_path / "hostile.safetensors"
    io.save(flow, path, table={"columns": list(names)})
    outcome = cli("check", path, write(drawn[:64] * 3, names))
    assert "\x1b" not in outcome.out
    assert "\N{REPLACEMENT CHARACTER}[31m" in outcome.out


@pytest.mark.slow
def test_a_model_of_mixed_columns_is_looked_at_in_scores(cli, tmp_path):
    rng = np.random.default_rng(0)
    lines = [f"{'xy'[place]},{rng.poisson(3 + place)}" for place in rng.integers(0, 2, size=400)]
    table, model = tmp_path / "t.csv", tmp_path / "m.safetensors"
    table.write_text("kind,calls\n" + "\n".join(lines) + "\n")
    options = ("--flow", "realnvp", "--option", "layers=2", "--option", "hidden=8", "--max-epochs", 5)
    assert cli("fit", table, "-o", model, *options).code == 0
    outcome = cli("check", model, table)
    assert (
        "note: The columns are looked at as normal scores, a number drawn from the cell of each value."
        in outcome.err
    )
    assert outcome.code == 0, outcome.out
