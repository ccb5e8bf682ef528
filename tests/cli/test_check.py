import json

import numpy as np
import pytest

from pushforward import io
from pushforward.cli import check
from pushforward.cli.terminal import Terminal
from pushforward.data import read_table


@pytest.fixture(scope="module")
def drawn(flow):
    import jax

    return np.asarray(flow.sample(jax.random.key(1), (600,)), np.float64)


def test_a_model_passes_on_its_own_draws(cli, model, drawn, write):
    outcome = cli("check", model, write(drawn[:300]), "--training", write(drawn[300:], name="training.csv"))
    assert outcome.code == 0, outcome.out
    lines = outcome.out.splitlines()
    assert lines[0].startswith("pass  density            0 of 300 rows")
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


def test_large_tables_are_thinned_evenly(monkeypatch, rows, write):
    monkeypatch.setattr(check, "MOST", 15)
    found = check.read_rows([write(rows)], ["b", "a", "c"], Terminal(quiet=True, as_json=False))
    np.testing.assert_array_equal(found, rows[::4][:, [1, 0, 2]])
    assert len(read_table(write(rows))) == 40


def test_names_with_control_characters_are_not_shown(cli, flow, tmp_path, drawn, write):
    names = ("a\x1b[31m", "b\x1b[31m", "c\x1b[31m")
    path = tmp_path / "hostile.safetensors"
    io.save(flow, path, table={"columns": [{"name": name} for name in names]})
    outcome = cli("check", path, write(drawn[:64] * 3, names))
    assert "\x1b" not in outcome.out
    assert "\N{REPLACEMENT CHARACTER}[31m" in outcome.out
