"""fit_frame and its model: a table as people have it, there and back."""

import dataclasses

import jax.random as jr
import numpy as np
import pyarrow as pa
import pytest

import pushforward as pf
from pushforward.data.schema import Column, Schema
from pushforward.errors import BadModelFile, BadTable, ConfigError
from pushforward.tables import fit_frame, load_frame, points_of

SMALL = {"layers": 2, "hidden": (32,), "bins": 6, "autoregressive": True}
OPTIONS = {"flow": "nsf", "options": SMALL, "progress": False}


def frame(n=3000):
    """Town decides the mean of wait; wait is missing more often in one town, and has a point mass at 0."""
    rng = np.random.default_rng(1)
    town = rng.integers(0, 3, size=n)
    wait = np.exp(0.5 * rng.normal(size=n) + town)
    wait[rng.uniform(size=n) < 0.2] = 0.0
    missing = rng.uniform(size=n) < np.array([0.02, 0.1, 0.3])[town]
    return pa.table(
        {
            "town": pa.array([("Bern", "Genf", "Rom")[place] for place in town]),
            "calls": pa.array(rng.poisson(2 + 3 * town), pa.int64()),
            "wait": pa.array(np.where(missing, np.nan, wait), mask=missing),
            "id": pa.array([f"row {i}" for i in range(n)]),
        }
    )


@pytest.fixture(scope="module")
def found():
    return fit_frame(frame(), key=jr.key(0), missing="model", max_epochs=100, **OPTIONS)


@pytest.mark.slow
def test_it_beats_independent_columns(found):
    # Town, calls and wait depend on each other: by 0.53 nats for town and calls alone.
    alone = []
    for name in ("town", "calls", "wait"):
        one = fit_frame(frame().select([name]), key=jr.key(0), missing="model", max_epochs=1, **OPTIONS)
        alone.append(one.fit.validation_log_prob)
    assert found.fit.validation_log_prob > sum(alone) + 0.6


def test_draws_have_the_table_s_columns_types_and_dependences(found):
    drawn = found.model.sample(jr.key(1), 4000)
    assert drawn.schema.names == ["town", "calls", "wait"]
    assert [str(kind) for kind in drawn.schema.types] == ["string", "int64", "double"]
    town, calls, wait = (drawn.column(name).to_numpy(zero_copy_only=False) for name in drawn.schema.names)
    for place, name in enumerate(("Bern", "Genf", "Rom")):
        here = town == name
        assert here.mean() == pytest.approx(1 / 3, abs=0.05)
        assert calls[here].mean() == pytest.approx(2 + 3 * place, abs=0.4)
        assert np.isnan(wait[here]).mean() == pytest.approx((0.02, 0.1, 0.3)[place], abs=0.05)
        assert (wait[here] == 0).mean() == pytest.approx(0.2 * (1 - (0.02, 0.1, 0.3)[place]), abs=0.06)
        assert np.median(np.log(wait[here & (wait > 0)])) == pytest.approx(place, abs=0.25)
    assert np.nanmin(wait) >= 0


def test_files_give_the_model_back(found, tmp_path):
    found.model.save(tmp_path / "m.safetensors", {"rows": found.rows})
    loaded = load_frame(tmp_path / "m.safetensors")
    assert loaded.schema == found.model.schema
    rows = frame().slice(0, 50)
    np.testing.assert_array_equal(loaded.log_prob(rows), found.model.log_prob(rows))
    assert loaded.sample(jr.key(2), 20).equals(found.model.sample(jr.key(2), 20))


def test_what_is_impossible_and_what_is_missing(found):
    rows = frame().slice(0, 3).to_pylist()
    rows[0]["town"], rows[1]["calls"], rows[2]["calls"] = "Basel", -1, None
    log_prob = found.model.log_prob(pa.Table.from_pylist(rows))
    assert log_prob[:2].tolist() == [-np.inf, -np.inf]
    assert np.isnan(log_prob[2])


def test_points_are_normal_where_the_model_is_right(found):
    law = found.model
    codes, _ = law.codes(law.sample(jr.key(3), 2000))
    drawn = points_of(law, codes, key=jr.key(4))
    assert drawn.names == ("town", "calls", "wait (class)", "wait (value)")
    assert drawn.owners == (0, 1, 2, 2)
    z = np.asarray(drawn.law.to_base(drawn.points))
    assert np.abs(z.mean(axis=0)).max() < 0.12
    assert np.abs(z.std(axis=0) - 1).max() < 0.12
    middle = points_of(law, codes)
    assert (points_of(law, codes).points == middle.points).all()


def test_given_columns_are_conditions():
    given = fit_frame(
        frame().select(["town", "calls"]), key=jr.key(0), given=["town"], max_epochs=60, **OPTIONS
    )
    model = given.model
    assert [column.name for column in model.columns] == ["calls"]
    drawn = model.sample(jr.key(0), 500, pa.table({"town": ["Rom", "Bern"]}))
    assert drawn.column("town").to_pylist() == ["Rom"] * 500 + ["Bern"] * 500
    calls = drawn.column("calls").to_numpy()
    assert calls[:500].mean() == pytest.approx(8, abs=0.8)
    assert calls[500:].mean() == pytest.approx(2, abs=0.5)
    with pytest.raises(ConfigError) as caught:
        model.sample(jr.key(0), 5)
    assert str(caught.value) == "The model is conditional: expected values of town."
    with pytest.raises(BadTable) as caught:
        model.sample(jr.key(0), 5, pa.table({"town": ["Basel"]}))
    assert str(caught.value) == (
        "The conditions hold what the model never saw. Column 'town': of 1 values 1 unseen categories."
    )


def test_plain_columns_take_the_plain_way():
    rng = np.random.default_rng(0)
    table = pa.table({"a": rng.normal(size=300), "b": rng.normal(size=300)})
    plain = fit_frame(table, key=jr.key(0), max_epochs=1, **OPTIONS)
    assert plain.model.flow.recipe.name == "table"
    assert points_of(plain.model, np.zeros((2, 2))).law is plain.model.flow


def test_frames_of_columns_serve_without_arrow(found):
    rows = {"town": ["Bern", "Rom"], "calls": [1, 8], "wait": [0.5, 7.0]}
    np.testing.assert_array_equal(found.model.log_prob(rows), found.model.log_prob(pa.table(rows)))


def test_gaps_that_a_schema_models_are_kept_when_others_are_dropped(found):
    columns = found.model.schema.columns
    schema = Schema(tuple(dataclasses.replace(column, missing=column.name == "wait") for column in columns))
    rows = frame(400).to_pylist()
    rows[5]["calls"] = None
    table = pa.Table.from_pylist(rows)
    kept = fit_frame(table, key=jr.key(0), schema=schema, missing="drop", max_epochs=1, **OPTIONS)
    assert kept.rows == 399
    with pytest.raises(BadTable) as caught:
        fit_frame(table, key=jr.key(0), schema=schema, **OPTIONS)
    assert str(caught.value) == (
        "fit_frame: 1 of 400 rows with values that are missing or infinite ('calls' 1), which the schema does not "
        "model. Drop such rows with missing 'drop'."
    )


def test_refusals(found):
    with pytest.raises(BadTable) as caught:
        fit_frame(frame(50), key=jr.key(0), given=["x"], **OPTIONS)
    assert str(caught.value) == "fit_frame: no column is called 'x'. There are: town, calls, wait, id."
    with pytest.raises(BadTable) as caught:
        fit_frame(frame(50), key=jr.key(0), **OPTIONS)
    assert str(caught.value).startswith("table: ")
    with pytest.raises(ConfigError) as caught:
        dataclasses.replace(found.model, given=("town",))
    assert str(caught.value) == (
        "FrameModel: expected a flow over events of shape (2,) and contexts of shape (1,), as the schema says, got "
        "(3,) and None."
    )
    narrow = Schema((Column("calls", "categorical", "int64", categories=(0, 1), ordered=True),))
    with pytest.raises(BadTable) as caught:
        fit_frame(frame(50), key=jr.key(0), schema=narrow, **OPTIONS)
    assert str(caught.value).startswith(
        "The schema gives no probability to some of the rows. Column 'calls': of 50 "
    )


def test_a_file_whose_schema_does_not_fit_is_refused(found, tmp_path):
    path = tmp_path / "m.safetensors"
    for about, message in (
        ({"schema": {"format": "x"}}, 'Schema: expected an object with "format": "pushforward schema 1".'),
        ({"schema": found.model.schema.to_json(), "given": 3}, "expected given to be a list of names."),
        (
            {"schema": found.model.schema.to_json(), "given": ["town"]},
            "FrameModel: expected a flow over events of shape (2,) and contexts of shape (1,), as the schema says, got "
            "(3,) and None.",
        ),
    ):
        pf.save(found.model.flow, path, table=about)
        with pytest.raises(BadModelFile) as caught:
            load_frame(path)
        assert str(caught.value) == f"{path}: its description of the columns is refused: {message}"


@pytest.mark.slow
def test_rows_in_order_of_time_are_noticed():
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=(400, 2)), axis=0)
    kind = pa.array(rng.choice(["x", "y"], size=400))
    found = fit_frame(
        pa.table({"a": walk[:, 0], "b": walk[:, 1], "kind": kind}), key=jr.key(0), max_epochs=1, **OPTIONS
    )
    assert found.fit.notes[0].startswith("Successive rows are alike (median correlation 0.9")


def test_a_mixed_fit_whose_time_went_into_compiling_says_so():
    short = fit_frame(frame(200), key=jr.key(0), missing="model", max_seconds=0.01, **OPTIONS)
    assert "hardly trained" in "".join(short.fit.notes)
