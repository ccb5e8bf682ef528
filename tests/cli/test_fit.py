import csv
import dataclasses
import json
import os

import jax
import numpy as np
import pytest

from pushforward import io
from pushforward.data import read_table
from pushforward.flows import realnvp


def test_fit_writes_a_model_with_its_table(cli, stub_fit, rows, write, tmp_path):
    table, output = write(rows), tmp_path / "m.safetensors"
    outcome = cli("fit", table, "-o", output)
    assert (outcome.code, outcome.err) == (0, "note: A note of the fit.\n")
    assert outcome.out == (
        f"{output}: realnvp on 40 rows of 3 columns, 6 steps in 2.5 s (ended by epochs)\n"
        "mean log_prob in nats per row: validation rows -1.7500, training rows -1.5000\n"
    )
    model = io.load_model(output)
    assert [column["name"] for column in model.table["schema"]["columns"]] == ["a", "b", "c"]
    assert model.table["given"] == []
    assert model.table["files"] == ["table.csv"]
    assert model.table["rows"] == 40
    assert model.table["fit"]["validation_log_prob"] == -1.75
    (call,) = stub_fit.calls
    np.testing.assert_array_equal(call.pop("values"), rows)
    assert jax.random.key_data(call.pop("key")).tolist() == jax.random.key_data(jax.random.key(0)).tolist()
    assert call == {
        "columns": ["a", "b", "c"],
        "context": None,
        "flow": "auto",
        "options": None,
        "validation": 0.1,
        "holdout": "random",
        "batch_size": None,
        "max_epochs": None,
        "max_seconds": None,
        "patience": None,
        "checkpoint": None,
        "progress": True,
        "devices": "auto",
    }


def test_fit_passes_its_options_on(cli, stub_fit, rows, write, tmp_path):
    two = realnvp(jax.random.key(0), features=2, layers=1, hidden=(4,))
    stub_fit.result = dataclasses.replace(stub_fit.result, flow=two)
    options = (
        "--flow nsf --option layers=2 --option hidden=8 --columns c,a --seed 5 --max-seconds 1.5 --max-epochs 7 "
        "--validation 0.25 --holdout last --batch-size 16 --patience 3 --quiet"
    )
    outcome = cli(
        "fit", write(rows), "-o", tmp_path / "m", *options.split(), "--checkpoint", tmp_path / "run.ckpt"
    )
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    (call,) = stub_fit.calls
    np.testing.assert_array_equal(call.pop("values"), rows[:, [2, 0]])
    assert jax.random.key_data(call.pop("key")).tolist() == jax.random.key_data(jax.random.key(5)).tolist()
    assert call == {
        "columns": ["c", "a"],
        "context": None,
        "flow": "nsf",
        "options": {"layers": 2, "hidden": [8]},
        "validation": 0.25,
        "holdout": "last",
        "batch_size": 16,
        "max_epochs": 7,
        "max_seconds": 1.5,
        "patience": 3.0,
        "checkpoint": tmp_path / "run.ckpt",
        "progress": False,
        "devices": "auto",
    }


def test_fit_as_json_and_its_history(cli, stub_fit, rows, write, tmp_path):
    output, history = tmp_path / "m.safetensors", tmp_path / "h.csv"
    outcome = cli("fit", write(rows), "-o", output, "--json", "--history", history)
    assert json.loads(outcome.out) == {
        "model": str(output),
        "rows": 40,
        "columns": ["a", "b", "c"],
        "given": [],
        "flow": "realnvp",
        "train_log_prob": -1.5,
        "validation_log_prob": -1.75,
        "steps": 6,
        "stopped": "epochs",
        "seconds": 2.5,
        "notes": ["A note of the fit."],
    }
    table = read_table(history, minimum_rows=1)
    assert table.columns == ("epoch", "step", "train_loss", "validation_loss", "learning_rate", "seconds")
    np.testing.assert_array_equal(table.values[:, 2:4], [[2.0, 2.1], [1.5, 1.75]])


def test_ctrl_c_keeps_the_best_flow(cli, stub_fit, rows, write, tmp_path):
    output = tmp_path / "m.safetensors"
    stub_fit.result = dataclasses.replace(stub_fit.result, stopped="interrupted")
    outcome = cli("fit", write(rows), "-o", output, "--quiet")
    assert outcome.code == 130
    assert outcome.err == (
        f"pushforward: the fit was ended early; the best flow so far is in {output}.\n"
        "pushforward: interrupted.\n"
    )
    assert io.load_model(output).table["fit"]["stopped"] == "interrupted"


def test_a_model_that_cannot_be_written_is_kept_elsewhere(
    cli, stub_fit, flow, rows, write, tmp_path, monkeypatch
):
    output, rescue = tmp_path / "m.safetensors", tmp_path / "rescue"
    rescue.mkdir()
    output.write_text("old")
    replace = os.replace

    def full(source, target):
        if str(target) == str(output):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(rescue))
    monkeypatch.setattr("os.replace", full)
    outcome = cli("fit", write(rows), "-o", output, "--quiet")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        f"pushforward: the model could not be written to {output}; it is in {rescue / output.name} instead.\n"
        f"pushforward: error: {output}: no space left on device\n"
    )
    assert output.read_text() == "old"
    np.testing.assert_array_equal(io.load(rescue / output.name).log_prob(rows), flow.log_prob(rows))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.safetensors", "rescue", "table.csv"]


def numbers(*columns):
    return np.stack(columns, axis=1)


LINE = np.arange(10.0)
BAD_TABLES = {
    "missing": (None, "{table}: no such file or folder."),
    "empty": ("", "{table}: the file is empty."),
    "ragged": ("a,b\n1,2\n3\n", "{table}, line 3: expected 2 values as in the first line, got 1."),
    "no table": ("\0\1\2", "{table}: not a text table"),
    "missing values": (
        "a,b\n1,2\n3,\nnan,5\n4,4\n",
        "{table}: 2 of 4 rows with values that are missing ('a' 1 missing; 'b' 1 missing). Drop such rows with ",
    ),
    "no rows": ("a,b\n", "{table}: expected at least 1 row, got 0 rows."),
    "one row": (
        "a,b\n1,2\n",
        "Schema: expected at least one column to model; all are constants or identifiers.",
    ),
    "few rows": ("a,b\n1.5,2\n2.25,3.5\n", "2 rows are too few to hold out a share of 0.1."),
    "duplicate": (
        "a,b\n" + "".join(f"{x},{x}\n" for x in np.random.default_rng(0).normal(size=9)),
        "columns a and b are equal",
    ),
    "names": ("a,a\n1,2\n3,4\n4,1\n", "{table}: column names must be different; more than once: 'a'."),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables(cli, tmp_path, case):
    content, message = BAD_TABLES[case]
    table, output = tmp_path / "table.csv", tmp_path / "m.safetensors"
    if content is not None:
        table.write_text(content)
    output.write_text("old")
    outcome = cli("fit", table, "-o", output, "--max-epochs", 1)
    assert (outcome.code, outcome.out) == (2, "")
    last = outcome.err.splitlines()[-1]
    assert last.startswith("pushforward: error: ")
    assert message.format(table=table) in last
    assert "Traceback" not in outcome.err
    assert output.read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} <= {"table.csv", "m.safetensors"}


def test_missing_values_are_counted_by_column_and_dropped(cli, stub_fit, tmp_path):
    table = tmp_path / "t.csv"
    good = "".join(f"{x},{y},{z}\n" for x, y, z in np.random.default_rng(0).normal(size=(20, 3)))
    table.write_text("a,b,c\n1.25,2.5,1.5\n3,,2.5\nnan,5,7.25\n5,inf,3.5\n" + good)
    outcome = cli("fit", table, "-o", tmp_path / "m")
    assert outcome.code == 2
    for part in ("'a' 1 missing", "'b' 1 missing, 1 infinite", "--missing drop"):
        assert part in outcome.err
    outcome = cli("fit", table, "-o", tmp_path / "m", "--missing", "drop")
    assert outcome.code == 0, outcome.err
    assert stub_fit.calls[0]["values"].shape == (21, 3)
    assert stub_fit.calls[0]["values"][0].tolist() == [1.25, 2.5, 1.5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "no/m.safetensors"], "no/m.safetensors cannot be written: the folder no does not exist."),
        (["-o", "."], ". cannot be written: it is a folder, and a file name is needed."),
        (
            ["-o", "table.csv"],
            "table.csv cannot be written: it is also an input. Choose another name with -o.",
        ),
        (["-o", "m", "--history", "no/h.csv"], "no/h.csv cannot be written: the folder no does not exist."),
        (["-o", "m", "--columns", "a,z"], "table.csv: columns missing: 'z'. It has: 'a', 'b', 'c'."),
        (["-o", "m", "--flow", "glow9"], "--flow: expected auto, nsf-ar or one of "),
        (["-o", "m", "--option", "layers"], "--option: expected name=value, such as layers=4, got 'layers'."),
        (["-o", "m", "--given", "z"], "fit_frame: no column is called 'z'. There are: a, b, c."),
        (["-o", "m", "--given", "a,b,c"], "fit_frame: expected at least one column that is not given."),
        (["-o", "m", "--given", "a,,b"], "--given: expected names separated by commas, got 'a,,b'."),
        (["-o", "m", "--column", "z=count"], ""),
        (["-o", "m", "--column", "a"], "--column: expected name=kind, such as age=count, got 'a'."),
        (["-o", "m", "--missing", "no"], "--missing: expected refuse, drop or model, got 'no'."),
        (
            ["-o", "m", "--schema", "table.csv", "--column", "a=real"],
            "--column: a schema file says what the columns are: change it there, or leave out --schema.",
        ),
        (["-o", "m", "--schema", "table.csv"], "table.csv: not a schema file: "),
        (["-o", "m", "--validation", "2"], "fit_table: expected a validation share in [0, 1), got 2.0."),
    ],
)
def test_bad_options(cli, rows, write, tmp_path, monkeypatch, arguments, message):
    write(rows)
    monkeypatch.chdir(tmp_path)
    outcome = cli("fit", "table.csv", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1].startswith(f"pushforward: error: {message}")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_from_a_table_to_samples(cli, rows, write, tmp_path):
    """The four commands in a row, with a real fit."""
    folder, model = tmp_path / "parts", tmp_path / "m.safetensors"
    folder.mkdir()
    write(rows[:25], name="parts/1.csv")
    write(rows[25:], name="parts/2.csv")
    options = [
        "--flow",
        "realnvp",
        "--option",
        "layers=2",
        "--option",
        "hidden=4",
        "--max-epochs",
        1,
        "--validation",
        0,
        "--json",
    ]
    fitted = json.loads(cli("fit", folder, "-o", model, *options).out)
    assert fitted["rows"] == 40
    assert cli("score", model, folder, "-o", tmp_path / "s.csv", "--with-columns", "--json").code == 0
    scored = read_table(tmp_path / "s.csv").values
    np.testing.assert_allclose(scored[:, :3], rows, rtol=1e-12)
    assert scored[:, 3].mean() == pytest.approx(fitted["train_log_prob"], abs=1e-4)
    assert cli("sample", model, "-n", 300, "-o", tmp_path / "n.feather").code == 0
    drawn = read_table(tmp_path / "n.feather")
    assert drawn.columns == ("a", "b", "c")
    assert np.abs(drawn.values.mean(axis=0) - rows.mean(axis=0)).max() < 0.5
    assert "flow: realnvp" in cli("info", model).out


def test_one_column_gets_a_flow_of_one_dimension(cli, rows, write, tmp_path):
    table, model = write(rows[:, :1], ["a"]), tmp_path / "m.safetensors"
    outcome = cli("fit", table, "-o", model, "--flow", "realnvp", "--max-epochs", 1)
    assert outcome.code == 0, outcome.err
    assert "note: " in outcome.err
    assert cli("sample", model, "-n", 3, "-o", tmp_path / "s.csv").code == 0
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 4


def test_made_fits_a_table_unless_its_law_is_over_whole_numbers(cli, rows, write, tmp_path):
    table, model = write(rows), tmp_path / "m.safetensors"
    options = ("-o", model, "--flow", "made", "--option", "hidden=8", "--max-epochs", 1)
    assert cli("fit", table, *options).code == 0
    assert np.isfinite(io.load(model).log_prob(rows)).all()
    assert "flow: made" in cli("info", model).out
    model.unlink()
    for law, values in (("bernoulli", 2), ("categorical", 3)):
        outcome = cli("fit", table, *options, "--option", f"law={law}", "--option", f"values={values}")
        assert outcome.code == 2
        assert outcome.err.splitlines()[-1] == (
            "pushforward: error: fit_table: expected a law over real numbers inside, got one over the whole numbers "
            f"0 to {values - 1} (Conditional{law.title()}): preprocessing would make its columns continuous. "
            "Build that flow in Python and train it with pushforward.fit."
        )
        assert not model.exists()


def mixed_rows(n=300):
    rng = np.random.default_rng(0)
    town = rng.choice(["Bern", "Genève", "Zürich"], p=[0.5, 0.2, 0.3], size=n)
    count = rng.poisson(3 + 4 * (town == "Bern"))
    share = np.where(rng.uniform(size=n) < 0.3, 0.0, rng.beta(2, 2, size=n))
    lines = [
        f"{t},{c},{s:.17g},2024-01-{1 + c:02d},r{i}"
        for i, (t, c, s) in enumerate(zip(town, count, share, strict=True))
    ]
    return "town,count,share,day,label\n" + "\n".join(lines) + "\n"


def test_a_table_of_mixed_columns_goes_through_all_commands(cli, tmp_path):
    table, model = tmp_path / "t.csv", tmp_path / "m.safetensors"
    table.write_text(mixed_rows())
    shown = cli("info", table).out
    assert "town   categorical (string), 3 levels: Bern, Genève, Zürich" in shown
    assert "count  count (int64), in steps of 1, from 0" in shown
    assert "point masses at 0" in shown
    assert "label  identifier (string)" in shown
    options = ("--flow", "realnvp", "--option", "layers=2", "--option", "hidden=8", "--max-epochs", 3)
    fitted = cli("fit", table, "-o", model, *options)
    assert fitted.code == 0, fitted.err
    assert (
        "note: Column 'label' is left out as an identifier: 300 of 300 texts stand in one row only."
        in fitted.err
    )
    scored = cli("score", model, table, "-o", tmp_path / "s.csv", "--with-columns")
    assert scored.code == 0, scored.err
    lines = (tmp_path / "s.csv").read_text().splitlines()
    assert lines[0] == "town,count,share,day,log_prob,rank,p_value"
    scored = list(csv.reader(lines[1:]))
    known = [line.split(",")[:4] for line in mixed_rows().splitlines()[1:]]
    assert [[*row[:2], float(row[2]), row[3]] for row in scored] == [
        [*row[:2], float(row[2]), row[3]] for row in known
    ]
    log_prob, rank, p_value = np.array([row[4:] for row in scored], float).T
    assert np.isfinite(log_prob).all()
    assert 0.4 < rank.mean() < 0.6  # the rows are those that were trained on
    assert np.argsort(log_prob)[0] in np.flatnonzero(p_value == p_value.min())
    assert cli("sample", model, "-n", 500, "-o", tmp_path / "n.csv", "--with-log-prob").code == 0
    drawn = list(csv.reader((tmp_path / "n.csv").read_text().splitlines()[1:]))
    assert {row[0] for row in drawn} == {"Bern", "Genève", "Zürich"}
    assert all(int(row[1]) >= 0 for row in drawn)
    assert 0.2 < sum(float(row[2]) == 0 for row in drawn) / 500 < 0.4
    assert all(row[3].startswith("202") and len(row[3]) == 10 for row in drawn)


def test_a_schema_can_be_printed_edited_and_given(cli, tmp_path):
    table, model, schema = (tmp_path / name for name in ("t.csv", "m.safetensors", "schema.json"))
    table.write_text(mixed_rows())
    printed = json.loads(cli("info", table, "--json").out)
    printed["columns"] = [column for column in printed["columns"] if column["name"] in ("town", "count")]
    schema.write_text(json.dumps(printed))
    options = ("--flow", "realnvp", "--option", "layers=1", "--option", "hidden=8", "--max-epochs", 1)
    outcome = cli("fit", table, "-o", model, "--schema", schema, "--json", *options)
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["columns"] == ["town", "count"]


@pytest.mark.slow
def test_the_law_of_some_columns_given_others(cli, tmp_path):
    table, model = tmp_path / "t.csv", tmp_path / "m.safetensors"
    table.write_text(mixed_rows(1000))
    options = ("--flow", "nsf", "--option", "layers=1", "--option", "hidden=16", "--max-epochs", 60)
    fitted = cli("fit", table, "-o", model, "--columns", "town,count", "--given", "town", "--json", *options)
    assert fitted.code == 0, fitted.err
    assert json.loads(fitted.out)["given"] == ["town"]
    means = {}
    for town in ("Bern", "Genève"):
        outcome = cli("sample", model, "-n", 400, "-o", tmp_path / "n.csv", "--given", f"town={town}")
        assert outcome.code == 0, outcome.err
        rows = list(csv.reader((tmp_path / "n.csv").read_text().splitlines()[1:]))
        assert {row[0] for row in rows} == {town}
        means[town] = np.mean([int(row[1]) for row in rows])
    assert means["Bern"] == pytest.approx(7, abs=0.7)
    assert means["Genève"] == pytest.approx(3, abs=0.7)
    conditions = tmp_path / "c.csv"
    conditions.write_text("town\nZürich\nBern\n")
    assert cli("sample", model, "-n", 3, "-o", tmp_path / "n.csv", "--given", conditions).code == 0
    rows = [row[0] for row in csv.reader((tmp_path / "n.csv").read_text().splitlines()[1:])]
    assert rows == ["Zürich"] * 3 + ["Bern"] * 3
    assert cli("score", model, table, "-o", tmp_path / "s.csv").code == 0
    for given, message in (
        (
            "town=Basel",
            "The conditions hold what the model never saw. Column 'town': of 1 values 1 unseen categories.",
        ),
        ("count=3", "'count' is not given to the model. It is conditional on town."),
        ("town", "town: no such file or folder."),
    ):
        outcome = cli("sample", model, "-n", 3, "-o", tmp_path / "n.csv", "--given", given)
        assert outcome.code == 2
        assert outcome.err == f"pushforward: error: {message}\n", given
    outcome = cli("sample", model, "-n", 3, "-o", tmp_path / "n.csv")
    assert outcome.err == "pushforward: error: The model is conditional: expected values of town.\n"
