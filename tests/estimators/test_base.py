"""What all estimators share: scikit-learn's own checks, pickles, pipelines and searches."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from estimators.settings import TINY
from pushforward.errors import BadModelFile
from pushforward.estimators import (
    ConditionalFlow,
    FlowClassifier,
    FlowDensity,
    FlowOutlierDetector,
    FlowTransformer,
)
from pushforward.estimators.base import CHUNK, choose_held_out, draw_seed, in_chunks

ALL = [FlowDensity, FlowOutlierDetector, FlowTransformer, FlowClassifier, ConditionalFlow]
# It compiles fastest of all.
QUICK = {"flow": "realnvp", "options": {"layers": 1, "hidden": (8,)}, "max_epochs": 2}
MORE = [
    {"flow": "nsf", "options": {"layers": 1, "hidden": (8,), "bins": 4}, "max_epochs": 2, "batch_size": 16},
    {
        "flow": "maf",
        "options": {"layers": 2, "hidden": (8,)},
        "max_epochs": 3,
        "validation": 0.3,
        "patience": 1,
    },
    {"options": {"layers": 1, "hidden": (8,), "dropout": 0.0}, "max_epochs": 1, "validation": 0},
]
# The checks fit an estimator some fifty times: by default the first of them, the others and other flows with -m slow.
CHECKED = [
    pytest.param(
        estimator,
        settings,
        id=f"{estimator.__name__}-{settings.get('flow', 'auto')}",
        marks=[] if settings is QUICK and estimator is FlowDensity else [pytest.mark.slow],
    )
    for estimator in ALL
    for settings in (QUICK, *MORE)
]


def rows(count=200):
    return np.random.default_rng(0).normal(size=(count, 2)) * [1.0, 30.0] + 100


@pytest.mark.parametrize(("estimator", "settings"), CHECKED)
def test_check_estimator(estimator, settings):
    # In one test, so that the checks share compiled programs wherever it runs.
    results = check_estimator(estimator(**settings), on_fail=None, on_skip=None)
    assert {
        r["check_name"]: r["exception"] for r in results if r["status"] not in ("passed", "skipped")
    } == {}
    assert sum(r["status"] == "passed" for r in results) > 35


@pytest.fixture(scope="module")
def fitted():
    return FlowDensity(**TINY, random_state=0).fit(rows())


def test_pickles_hold_a_model_file_and_give_the_same_bits(fitted):
    file = io.BytesIO()
    joblib.dump(fitted, file)
    assert b"__metadata__" in file.getvalue()
    assert b"jax" not in file.getvalue()
    file.seek(0)
    loaded = joblib.load(file)
    assert (loaded.score_samples(rows()) == fitted.score_samples(rows())).all()
    assert (loaded.sample(5) == fitted.sample(5)).all()
    assert loaded.get_params() == fitted.get_params()


def test_a_broken_pickle_is_refused(fitted):
    state = fitted.__getstate__()
    state["flow_"] = state["flow_"][:-1]
    with pytest.raises(BadModelFile):
        FlowDensity().__setstate__(state)


def test_an_int_makes_fits_repeat(fitted):
    again = clone(fitted).fit(rows())
    assert not hasattr(clone(fitted), "flow_")
    assert (again.score_samples(rows()) == fitted.score_samples(rows())).all()
    other = clone(fitted).set_params(random_state=1).fit(rows())
    assert (other.score_samples(rows()) != fitted.score_samples(rows())).any()


def test_global_randomness_is_left_alone_by_an_int():
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    draw_seed(3)
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002
    assert draw_seed(3) == draw_seed(np.random.RandomState(3))


def test_scores_of_a_pipeline_are_those_of_scaled_rows(fitted):
    pipeline = make_pipeline(StandardScaler(), FlowDensity(**TINY, random_state=0)).fit(rows())
    # p(x) = p(scaled x) / product of the scales; the flow is the same but for rounding.
    shift = np.log(rows().std(axis=0)).sum()
    np.testing.assert_allclose(pipeline.score(rows()) - shift, fitted.score(rows()), atol=0.01)


_SEARCH = """
import json, sys, warnings
warnings.simplefilter("error")
import numpy as np
from sklearn.model_selection import GridSearchCV, cross_validate
from pushforward.estimators import FlowDensity
tiny, x = json.loads(sys.argv[1]), np.random.default_rng(0).normal(size=(200, 2))
search = GridSearchCV(FlowDensity(**tiny, random_state=0), {"max_epochs": [1, 2]}, cv=2, n_jobs=2).fit(x)
kept = cross_validate(FlowDensity(**tiny, random_state=0), x, cv=2, n_jobs=2, return_estimator=True)
again = [one.score(x) for one in kept["estimator"]]
print(json.dumps([search.cv_results_["mean_test_score"].tolist(), search.best_estimator_.score(x), again]))
"""


@pytest.mark.slow
def test_search_in_two_processes_gives_what_one_gives():
    run = subprocess.run(
        [sys.executable, "-c", _SEARCH, json.dumps(TINY)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    scores, best, again = json.loads(run.stdout)
    x = np.random.default_rng(0).normal(size=(200, 2))
    search = GridSearchCV(FlowDensity(**TINY, random_state=0), {"max_epochs": [1, 2]}, cv=2).fit(x)
    kept = cross_validate(FlowDensity(**TINY, random_state=0), x, cv=2, return_estimator=True)
    np.testing.assert_allclose(scores, search.cv_results_["mean_test_score"], rtol=1e-5)
    np.testing.assert_allclose(best, search.best_estimator_.score(x), rtol=1e-5)
    np.testing.assert_allclose(again, [one.score(x) for one in kept["estimator"]], rtol=1e-5)


def test_grid_search_chooses_by_the_mean_log_density():
    search = GridSearchCV(FlowDensity(**TINY, random_state=0), {"max_epochs": [1, 12]}, cv=2).fit(rows())
    means = search.cv_results_["mean_test_score"]
    assert search.best_params_ == {"max_epochs": [1, 12][int(np.argmax(means))]}
    assert search.best_estimator_.get_params()["options"] == TINY["options"]


def test_parameters_out_of_range_are_named():
    with pytest.raises(
        ValueError, match="The 'validation' parameter of FlowDensity must be a float in the range"
    ):
        FlowDensity(validation=1.0).fit(rows())


def test_few_rows_hold_none_out():
    random = np.random.default_rng(0)
    assert choose_held_out(np.zeros(94, int), 0.1, random).sum() == 0
    assert choose_held_out(np.zeros(96, int), 0.1, random).sum() == 10


def test_every_group_keeps_a_row_and_gives_its_share():
    groups = np.repeat([0, 1, 2], [1000, 100, 1])
    held_out = choose_held_out(groups, 0.9, np.random.default_rng(0))
    assert [held_out[groups == group].sum() for group in range(3)] == [900, 90, 0]


def test_few_rows_train_few_steps():
    fitted = FlowDensity(flow="maf", options=TINY["options"], random_state=0).fit(rows(30))
    assert fitted.n_iter_ == 100


@pytest.mark.parametrize("count", [1, CHUNK - 1, CHUNK, CHUNK + 1])
def test_chunks_have_one_size(count):
    seen = []

    def double(x):
        seen.append(len(x))
        return 2 * x

    x = np.random.default_rng(0).normal(size=(count, 3))
    assert (in_chunks(double, x) == 2 * x).all()
    assert set(seen) == {CHUNK}


@pytest.mark.slow
def test_the_examples_of_the_documentation_run():
    text = (Path(__file__).parents[2] / "docs" / "estimators.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    exec("\n".join(blocks), names)
    assert names["rows"].shape == (10, 2)
    assert names["probabilities"].shape == (3, 2)
    assert (names["low"] < names["high"]).all()
    assert names["draws"].shape == (3, 100)
    assert set(names["flags"]) == {-1, 1}
