import json

import jax

import pushforward as pf
from pushforward import io


def test_info_shows_columns_flow_and_fit(cli, flow, tmp_path):
    path = tmp_path / "m.safetensors"
    fit = {"steps": 1234, "train_log_prob": -1.25, "stopped": "epochs"}
    columns = [
        {"name": "a", "kind": "positive", "type": "double", "low": 0.0, "origin": 100.0, "masses": [0.5]},
        {"name": "wind", "kind": "categorical", "type": "string", "categories": ["n", "e", "s", "w", None]},
        {"name": "c", "kind": "count", "type": "int64", "step": 1.0, "missing": True},
    ]
    table = {"schema": {"columns": columns}, "given": ["c"]}
    io.save(flow, path, table={**table, "rows": 22191, "fit": fit, "notes": ["Take care."]})
    outcome = cli("info", path)
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0].startswith(f"file           {path}, ")
    assert lines[0].endswith(" kB, format 2")
    assert lines[1].startswith("version        written by pushforward ")
    assert lines[2] == (
        "flow           table(context_features=0, context_knots=32, features=3, flow=realnvp, knots=4, "
        "options={hidden=(4), layers=2}, steps=())"
    )
    assert lines[5:] == [
        "rows           22,191",
        "fit            steps: 1,234",
        "fit            stopped: epochs",
        "fit            train log prob: -1.25",
        "note           Take care.",
        "given          c",
        "column         a     positive (double), from 100, point masses at 100.5",
        "column         wind  categorical (string), 5 levels: n, e, s, w, ...",
        "column         c     count (int64), in steps of 1, may be missing",
    ]


def test_info_as_json(cli, model):
    outcome = cli("info", model, "--json", "--quiet")
    about = json.loads(outcome.out)
    assert about == json.loads(json.dumps(io.describe(model)))
    assert about["table"]["columns"] == ["a", "b", "c"]


def test_info_shows_no_control_characters(cli, flow, tmp_path):
    path = tmp_path / "m.safetensors"
    columns = [{"name": "\x1b[31ma", "kind": "real"}, {"name": "b\nc", "kind": 7, "categories": 3}, "d"]
    about = {"schema": {"columns": columns}, "rows": "many", "fit": 3, "notes": 4, "given": "c"}
    io.save(flow, path, table=about)
    outcome = cli("info", path)
    assert outcome.code == 0
    assert "\x1b" not in outcome.out
    assert "\N{REPLACEMENT CHARACTER}[31ma" in outcome.out
    assert "b\N{REPLACEMENT CHARACTER}c" in outcome.out


def test_info_of_no_model(cli, tmp_path):
    path = tmp_path / "m.safetensors"
    outcome = cli("info", path)
    expected = "file: expected a model file, got none of this name. Nothing was loaded."
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == f"pushforward: error: {path}: {expected}\n"


def test_info_does_not_list_what_stands_below(cli, tmp_path):
    columns = ({"kind": "levels", "count": 3, "step": 1.0}, {"kind": "values"})
    model = pf.flows.mixed(
        jax.random.key(0), columns=columns, flow="realnvp", options={"hidden": (4,)}, knots=4
    )
    pf.save(model, tmp_path / "m.safetensors")
    outcome = cli("info", tmp_path / "m.safetensors")
    assert outcome.out.splitlines()[2].startswith("flow           mixed(columns=(2 entries), context=(), ")
