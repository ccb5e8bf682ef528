import json
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from pushforward.cli import sample
from pushforward.data import read_table


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(sample, "BLOCK", 16)


def test_rows_come_in_blocks_that_more_rows_do_not_change(cli, flow, model, tmp_path):
    for rows in (5, 16, 40):
        assert cli("sample", model, "-n", rows, "-o", tmp_path / f"{rows}.parquet", "--seed", 3).code == 0
    tables = [read_table(tmp_path / f"{rows}.parquet", minimum_rows=1) for rows in (5, 16, 40)]
    assert tables[2].columns == ("a", "b", "c")
    assert [len(table) for table in tables] == [5, 16, 40]
    np.testing.assert_array_equal(tables[2].values[:16], tables[1].values)
    np.testing.assert_array_equal(tables[1].values[:5], tables[0].values)
    # Block 2 is the flow's own sample with key 2 of the seed.
    key = jax.random.fold_in(jax.random.key(3), 2)
    np.testing.assert_array_equal(tables[2].values[32:], np.asarray(flow.sample(key, (16,)))[:8])
    assert len(np.unique(tables[2].values[:, 0])) == 40


def test_other_seeds_give_other_rows(cli, model, tmp_path):
    for seed in (0, 1):
        assert cli("sample", model, "-n", 4, "-o", tmp_path / f"{seed}.csv", "--seed", seed).code == 0
    first, second = ((tmp_path / f"{seed}.csv").read_text() for seed in (0, 1))
    assert first.splitlines()[0] == second.splitlines()[0] == "a,b,c"
    assert first != second


def test_log_prob_is_that_of_the_rows(cli, flow, model, tmp_path):
    outcome = cli("sample", model, "-n", 20, "-o", tmp_path / "s.tsv", "--with-log-prob", "--json")
    assert json.loads(outcome.out) | {"seconds": 0} == {
        "rows": 20,
        "not_finite": 0,
        "columns": ["a", "b", "c", "log_prob"],
        "output": str(tmp_path / "s.tsv"),
        "seed": 0,
        "seconds": 0,
    }
    table = read_table(tmp_path / "s.tsv")
    assert table.columns == ("a", "b", "c", "log_prob")
    np.testing.assert_allclose(table.values[:, 3], flow.log_prob(table.values[:, :3]), rtol=1e-4, atol=1e-4)


def test_summary(cli, model, tmp_path):
    outcome = cli("sample", model, "-n", 20, "-o", tmp_path / "s.csv")
    assert outcome.out.startswith(f"20 rows of 3 columns in {tmp_path / 's.csv'} (")
    assert cli("sample", model, "-n", 20, "-o", tmp_path / "s.csv", "-q").out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-n", "0", "-o", "s.csv"], "--rows: expected at least 1, got 0."),
        (["-n", "-3", "-o", "s.csv"], "--rows: expected at least 1, got -3."),
        (["-n", "3"], "Missing option '"),
        (["-n", "3", "-o", "no/s.csv"], "no/s.csv cannot be written: the folder no does not exist."),
    ],
)
def test_bad_arguments(cli, model, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    outcome = cli("sample", model, *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"pushforward: error: {message}")
    assert outcome.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_unknown_format(cli, model, tmp_path):
    outcome = cli("sample", model, "-n", 3, "-o", tmp_path / "s.xlsx")
    assert outcome.code == 2
    assert "s.xlsx cannot be written: expected the extension of a table: CSV" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_what_breaks_on_the_way_leaves_the_old_file(cli, model, tmp_path, monkeypatch):
    output = tmp_path / "s.csv"
    output.write_text("old\n")
    monkeypatch.setattr("pushforward.data.TableWriter.write_arrow", fail_with_full_disk)
    outcome = cli("sample", model, "-n", 100, "-o", output)
    assert (outcome.code, outcome.err) == (1, f"pushforward: error: {output}: no space left on device\n")
    assert output.read_text() == "old\n"
    assert [path.name for path in tmp_path.iterdir()] == ["s.csv"]


def fail_with_full_disk(writer, values):
    with writer._guarded():
        raise OSError(28, "No space left on device")


def test_rows_that_overflow_are_told(cli, flow, model, tmp_path, monkeypatch):
    def overflowing(self, key, shape, context):
        return draw(self, key, shape, context).at[3, 1].set(np.inf)

    draw = type(flow).sample
    monkeypatch.setattr(type(flow), "sample", overflowing)
    outcome = cli("sample", model, "-n", 20, "-o", tmp_path / "s.csv", "--quiet")
    assert outcome.code == 0
    assert outcome.err == "pushforward: 2 of 20 rows hold values beyond the range of float32.\n"


def test_a_fresh_process_knows_every_recipe(model, tmp_path):
    code = f"from pushforward.cli.main import run; run(['sample', {str(model)!r}, '-n', '2', '-o', 's.csv'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("2 rows of 3 columns in s.csv"), done.stderr


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="this system does not tell a process's peak"
)
def test_memory_does_not_grow_with_the_rows(model, tmp_path):
    # Not `getrusage`: it counts the process that started this one too, which may have been larger.
    code = (
        "import sys; from pushforward.cli.main import run; "
        "run(['sample', sys.argv[1], '-n', sys.argv[2], '-o', 's.csv', '-q']); "
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    few, many = (
        int(subprocess.check_output([sys.executable, "-c", code, str(model), rows], cwd=tmp_path))
        for rows in ("10000", "1000000")
    )
    # A million rows of three columns are 12 MB in float32 and 50 MB as text; the unit is KiB.
    assert many < few + 40_000
