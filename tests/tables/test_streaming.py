"""Tables that are streamed: the flow is as good, the rows are the right ones, the memory is constant."""

import json
import subprocess
import sys
from pathlib import Path

import jax.random as jr
import numpy as np
import pytest

from pushforward import fit_table
from pushforward.data import TableSource, preprocessing
from pushforward.errors import ConfigError, DomainError, ShapeError
from pushforward.tables.streaming import Scored, survey
from row_sources import Groups, cut

LARGE = Path(__file__).with_name("large.py")
KEY = jr.key(0)
SMALL = {"flow": "realnvp", "options": {"layers": 2, "hidden": (16,)}, "progress": False, "key": KEY}


def rows_of(count=6000, features=3):
    random = np.random.default_rng(0)
    rows = random.normal(size=(count, features))
    rows[:, 1] += rows[:, 0]
    rows[:, 0] = np.exp(rows[:, 0])
    return rows


def source_of(rows, **options):
    return Groups(cut(rows, 1000, 0, len(rows) - 1000), **{"buffer": 512} | options)


def run(what, *details):
    done = subprocess.run(
        [sys.executable, str(LARGE), what, *map(str, details)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout) if done.stdout else None


def test_a_survey_divides_the_rows_and_samples_those_to_train_on(monkeypatch):
    monkeypatch.setattr("pushforward.tables.streaming.SAMPLE", 2000)
    rows = rows_of()
    found = survey(source_of(rows), key=KEY, columns=["a", "b", "c"], validation=0.2)
    training = np.concatenate(list(found.source.read(range(3))))
    kinds = [{row.tobytes() for row in part} for part in (training, found.held_out, found.sample, rows)]
    assert kinds[0] | kinds[1] == kinds[3]
    assert not kinds[0] & kinds[1]
    assert kinds[2] < kinds[0]
    assert abs(len(found.held_out) - 1200) < 150
    assert abs(len(found.sample) - 2000) < 200
    assert (found.rows, found.columns) == (6000, ("a", "b", "c"))
    np.testing.assert_array_equal([found.lows, found.highs], [rows.min(0), rows.max(0)])
    assert found.notes == (
        f"The table is streamed: its preprocessing is learned from {len(found.sample):,} of {len(training):,} training "
        f"rows, and {len(found.held_out):,} rows are held out, both at random.",
    )


def test_a_survey_without_validation():
    found = survey(source_of(rows_of(2000)), key=KEY, validation=0)
    assert (len(found.held_out), len(found.sample), sum(found.source.sizes)) == (0, 2000, 2000)
    assert found.columns == ("c1", "c2", "c3")


def test_rows_that_are_not_finite_are_refused_or_dropped():
    rows = rows_of(2000)
    rows[[5, 1500], 1] = np.nan, np.inf
    message = "fit_table: expected finite values, got NaN or infinity in: c2 2 (rows by column)."
    with pytest.raises(DomainError) as caught:
        survey(source_of(rows), key=KEY)
    assert str(caught.value) == message
    found = survey(source_of(rows), key=KEY, drop_nonfinite=True)
    left = np.concatenate([*found.source.read([0, 1, 2]), found.held_out])
    np.testing.assert_array_equal(np.sort(left, axis=0), np.sort(np.delete(rows, [5, 1500], axis=0), axis=0))
    assert found.notes[0] == "2 of 2000 rows with NaN or infinity were dropped (c2 2)."


def test_what_does_not_fit():
    with pytest.raises(ShapeError, match=r"expected blocks of shape \(n, 2\), got shape \(64, 3\)\.$"):
        survey(source_of(rows_of(2000)), key=KEY, columns=["a", "b"])
    with pytest.raises(ConfigError, match=r"expected a validation share in \[0, 1\), got 1\.$"):
        survey(source_of(rows_of(2000)), key=KEY, validation=1)
    with pytest.raises(ConfigError, match=r"expected validation to be a share with a source, got ndarray\.$"):
        fit_table(source_of(rows_of(2000)), validation=rows_of(10), **SMALL)
    with pytest.raises(ConfigError, match=r"expected holdout random with a source, got 'last'\.$"):
        fit_table(source_of(rows_of(2000)), holdout="last", **SMALL)


def test_scores_are_those_of_the_preprocessing():
    rows = rows_of(2000)
    bijectors = preprocessing.learn(rows, ("marginals", "whitening"), 16)
    scored = Scored(source_of(rows), bijectors)
    scores = preprocessing.to_scores(bijectors, rows)[0]
    np.testing.assert_array_equal(
        np.concatenate(list(scored.read([2, 0]))), np.concatenate([scores[1000:], scores[:1000]])
    )
    assert scored.describe() == {"kind": "groups"}


def test_a_streamed_table_is_fitted_as_well_as_one_in_memory():
    rows = rows_of()
    streamed = fit_table(source_of(rows), max_epochs=20, **SMALL)
    loaded = fit_table(rows, max_epochs=20, **SMALL)
    fresh = np.random.default_rng(9).permutation(rows_of(12_000))[:3000]
    ours, theirs = (float(np.mean(fit.flow.log_prob(fresh))) for fit in (streamed, loaded))
    assert abs(ours - theirs) < 0.03
    assert streamed.notes[0].startswith("The table is streamed: ")
    assert streamed.flow.recipe.name == loaded.flow.recipe.name == "table"
    # The likelihoods reported are those of the flow in the data's units.
    held_out = survey(source_of(rows), key=KEY).held_out
    np.testing.assert_allclose(
        streamed.validation_log_prob, np.mean(streamed.flow.log_prob(held_out)), atol=2e-4
    )
    np.testing.assert_allclose(
        -min(streamed.history.validation_loss), streamed.validation_log_prob, atol=2e-4
    )


def test_a_streamed_fit_whose_time_went_into_compiling_says_so():
    short = fit_table(source_of(rows_of()), max_seconds=0.01, **SMALL)
    assert "hardly trained" in "".join(short.notes)


def test_a_folder_of_parquet_is_streamed(tmp_path):
    run("write", tmp_path, 5000)
    result = fit_table(TableSource(tmp_path, buffer=1000), max_epochs=3, **SMALL)
    assert result.steps == 3 * -(-round(5000 * 0.9) // 256) or result.steps > 40
    assert result.validation_log_prob is not None


@pytest.mark.slow
def test_twenty_million_rows_within_two_gigabytes(tmp_path):
    """The table is 800 MB of numbers; score writes a Parquet file as long."""
    folder, model = tmp_path / "table", tmp_path / "m.safetensors"
    folder.mkdir()
    run("write", folder, 20_000_000)
    about = run("stream", folder, model)
    assert about["peak"] < 2e9
    # 20,000 steps of a small flow learn this law but for a few hundredths of a nat.
    sys.path.append(str(LARGE.parent))
    import large

    assert abs(about["validation"] + large.entropy()) < 0.05
    scored = run("score", folder, model, tmp_path / "scores.parquet")
    assert (scored["code"], scored["rows"]) == (0, 20_000_000)
    assert scored["peak"] < 2e9
    assert abs(scored["mean_log_prob"] + large.entropy()) < 0.05
    scored = run("score", folder, model, tmp_path / "scores.parquet")
    assert scored["peak"] < 2e9
    assert abs(scored["mean_log_prob"] - about["validation"]) < 0.02
