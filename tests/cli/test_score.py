import json

import numpy as np
import pytest

from pushforward.cli import scoring
from pushforward.data import read_table


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(scoring, "BLOCK", 16)


def scores(path):
    return np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)


def test_one_log_prob_for_each_row_in_order(cli, flow, model, rows, write, tmp_path):
    output = tmp_path / "s.csv"
    outcome = cli("score", model, write(rows), "-o", output)
    expected = np.asarray(flow.log_prob(rows), dtype=np.float64)
    assert output.read_text().splitlines()[0] == "log_prob"
    np.testing.assert_allclose(scores(output)[:, 0], expected, rtol=1e-5)
    mean, error = expected.mean(), expected.std(ddof=1) / 40**0.5
    assert outcome.out.startswith(
        f"mean log_prob {mean:.4f} +- {error:.4f} nats per row, 40 rows in {output} ("
    )
    assert (outcome.code, outcome.err) == (0, "")


def test_json(cli, flow, model, rows, write, tmp_path):
    outcome = cli("score", model, write(rows[:1]), "-o", tmp_path / "s.csv", "--json", "-q")
    assert json.loads(outcome.out) | {"seconds": 0} == {
        "rows": 1,
        "scored": 1,
        "mean_log_prob": pytest.approx(float(flow.log_prob(rows[0])), rel=1e-5),
        "standard_error": None,
        "output": str(tmp_path / "s.csv"),
        "seconds": 0,
    }


def test_columns_are_found_by_name_and_others_left_out(cli, model, rows, write, tmp_path):
    cli("score", model, write(rows), "-o", tmp_path / "s.csv")
    text = np.array([[f"id {row}"] for row in range(40)])
    mixed = np.hstack([rows[:, [2]].astype(object), text, rows[:, [0, 1]].astype(object)])
    table = write(mixed, ("c", "name", "a", "b"), "mixed.csv")
    outcome = cli("score", model, table, "-o", tmp_path / "m.csv", "--with-columns")
    assert outcome.code == 0
    assert outcome.err == f"note: {table}: columns left out: 'name'.\n"
    written = read_table(tmp_path / "m.csv")
    assert written.columns == ("a", "b", "c", "log_prob")
    np.testing.assert_allclose(written.values[:, :3], rows, rtol=1e-12)
    np.testing.assert_allclose(written.values[:, 3], scores(tmp_path / "s.csv")[:, 0], rtol=1e-6)


def test_missing_columns(cli, model, rows, write, tmp_path):
    table = write(rows[:, :2], ("a", "x"))
    outcome = cli("score", model, table, "-o", tmp_path / "s.csv")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (f"pushforward: error: {table}: columns missing: 'b', 'c'. It has: 'a', 'x'.\n")
    assert not (tmp_path / "s.csv").exists()


def test_several_files_are_one_table(cli, model, rows, write, tmp_path):
    cli("score", model, write(rows), "-o", tmp_path / "s.csv")
    parts = [write(rows[:25], name="1.csv"), write(rows[25:][:, [1, 0, 2]], ("b", "a", "c"), name="2.csv")]
    assert cli("score", model, *parts, "-o", tmp_path / "p.csv").code == 0
    np.testing.assert_allclose(scores(tmp_path / "p.csv"), scores(tmp_path / "s.csv"), rtol=1e-6)


def test_values_that_are_not_finite(cli, model, rows, write, tmp_path):
    output = tmp_path / "s.csv"
    rows[3, 0], rows[20, 1] = np.nan, np.inf
    table = write(rows)
    outcome = cli("score", model, table, "-o", output)
    assert outcome.code == 2
    assert "'a' 1" in outcome.err
    assert "'b' 1" in outcome.err
    assert "--missing drop" in outcome.err
    assert not output.exists()
    outcome = cli("score", model, table, "-o", output, "--missing", "drop")
    assert outcome.code == 0
    assert outcome.err == "note: 2 of 40 rows hold missing or infinite values: not scored.\n"
    assert np.flatnonzero(np.isnan(scores(output)[:, 0])).tolist() == [3, 20]


def test_rows_beyond_float32_are_counted(cli, model, rows, write, tmp_path):
    rows[5] = 1e200
    outcome = cli("score", model, write(rows), "-o", tmp_path / "s.csv")
    assert outcome.code == 0
    others = scores(tmp_path / "s.csv")[:, 0]
    assert outcome.err == (
        "note: the log_prob of 1 of 40 rows is not finite: they are impossible, or very far out. "
        f"The mean of the other 39 is {others[np.isfinite(others)].mean():.4f}.\n"
    )


def test_rank_is_the_share_of_less_likely_reference_rows(cli, flow, model, rows, write, tmp_path):
    table, reference = write(rows[:20]), write(rows[20:], name="reference.csv")
    arguments = ["--reference", reference, "--reference", table]
    assert cli("score", model, table, "-o", tmp_path / "s.csv", *arguments).code == 0
    log_prob, rank = scores(tmp_path / "s.csv").T
    known = np.asarray(flow.log_prob(rows), dtype=np.float64)
    np.testing.assert_allclose(rank, [(known < value - 1e-6).mean() for value in log_prob])


def test_the_output_must_not_be_an_input(cli, model, rows, write):
    table = write(rows)
    before = table.read_text()
    outcome = cli("score", model, table, "-o", table)
    assert outcome.code == 2
    assert outcome.err == (
        f"pushforward: error: {table} cannot be written: it is also an input. Choose another name with -o.\n"
    )
    assert table.read_text() == before


@pytest.mark.slow
def test_the_columns_that_make_rows_unlikely_are_named(cli, tmp_path):
    rng = np.random.default_rng(0)
    a = rng.normal(size=600)
    rows = np.stack([a, a + 0.1 * rng.normal(size=600), rng.normal(size=600)], axis=1)
    rows[100, 2], rows[400, 1] = 9.0, rows[400, 0] + 3
    table, model = tmp_path / "t.csv", tmp_path / "m.safetensors"
    table.write_text("a,b,c\n" + "".join(f"{x:.17g},{y:.17g},{z:.17g}\n" for x, y, z in rows))
    options = ("--flow", "nsf-ar", "--option", "layers=2", "--option", "hidden=16", "--max-epochs", 60)
    assert cli("fit", table, "-o", model, *options).code == 0
    outcome = cli("score", model, table, "-o", tmp_path / "s.csv", "--explain", 2, "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)["unlikely"]
    assert {row["row"] for row in found} == {101, 401}
    by_row = {row["row"]: [because["column"] for because in row["because"]] for row in found}
    assert by_row[101][0] == "c"
    assert set(by_row[401][:2]) == {"a", "b"}
    outcome = cli("score", model, table, "-o", tmp_path / "s.csv", "--explain", 1)
    assert outcome.out.splitlines()[1].startswith("row ")
    lines = (tmp_path / "s.csv").read_text().splitlines()
    assert lines[0] == "log_prob,rank,p_value"
    log_prob, rank, p_value = np.array([line.split(",") for line in lines[1:]], float).T
    assert p_value.min() == pytest.approx(1 / 61)  # one tenth of the rows are held out
    assert rank[np.argmin(log_prob)] <= 1 / 540
