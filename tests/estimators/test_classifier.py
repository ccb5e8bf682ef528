"""FlowClassifier: posterior probabilities near the true ones."""

import numpy as np
import pytest
from scipy import stats

from estimators.settings import TINY
from pushforward.errors import ConfigError
from pushforward.estimators import FlowClassifier

LAWS = {
    "ham": stats.multivariate_normal([0.0, 0.0], [[1.0, 0.6], [0.6, 1.0]]),
    "spam": stats.multivariate_normal([1.2, -0.8], [[0.3, 0.0], [0.0, 0.3]]),
}

LEARNED = TINY | {"options": {"layers": 1, "hidden": (32,)}, "max_epochs": 60, "batch_size": 64}


def rows(count, seed):
    labels = np.random.default_rng(seed).choice(list(LAWS), count, p=[0.7, 0.3])
    drawn = {name: law.rvs(count, random_state=seed + 1) for name, law in LAWS.items()}
    return np.where((labels == "ham")[:, None], drawn["ham"], drawn["spam"]) * [1.0, 100.0], labels


def posterior(x):
    joint = np.stack([law.logpdf(x / [1.0, 100.0]) for law in LAWS.values()], axis=1) + np.log([0.7, 0.3])
    return np.exp(joint - np.logaddexp(*joint.T)[:, None])


@pytest.fixture(scope="module")
def fitted():
    return FlowClassifier(**LEARNED, random_state=0).fit(*rows(3000, 0))


def test_probabilities_are_near_the_true_ones(fitted):
    x, _ = rows(4000, 10)
    assert fitted.classes_.tolist() == ["ham", "spam"]
    error = fitted.predict_proba(x) - posterior(x)
    assert np.abs(error).mean() < 0.02


def test_error_is_near_the_least_possible(fitted):
    x, labels = rows(20_000, 20)
    best = (np.array(list(LAWS))[posterior(x).argmax(axis=1)] == labels).mean()
    # Both are shares of the same rows, so their difference is far less noisy than either.
    assert 0.8 < best < 0.95
    assert abs(fitted.score(x, labels) - best) < 0.006


def test_predictions_agree(fitted):
    x, _ = rows(50, 30)
    probabilities = fitted.predict_proba(x)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(fitted.predict_log_proba(x), np.log(probabilities))
    assert (fitted.predict(x) == fitted.classes_[probabilities.argmax(axis=1)]).all()


def test_given_priors_shift_the_odds(fitted):
    x, labels = rows(3000, 0)
    other = FlowClassifier(**LEARNED, priors=[0.2, 0.8], random_state=0).fit(x, labels)
    odds = [np.diff(one.predict_log_proba(x[:100]), axis=1) for one in (fitted, other)]
    shift = np.log(0.8 / 0.2) - np.log(fitted.priors_[1] / fitted.priors_[0])
    np.testing.assert_allclose(odds[1] - odds[0], shift, rtol=1e-5)


def test_small_classes_and_impossible_rows():
    x, labels = rows(300, 0)
    x = np.c_[x, np.ones(300)]
    labels[:2] = "rare"
    fitted = FlowClassifier(**TINY, random_state=0).fit(x, labels)
    assert np.isfinite(fitted.predict_log_proba(x)).all()
    # No class gives another value in the constant column: what is left are the priors.
    np.testing.assert_allclose(fitted.predict_proba(x[:1] * [1, 1, 2]), fitted.priors_[None])


def test_one_class_is_refused():
    with pytest.raises(ConfigError) as caught:
        FlowClassifier(**TINY).fit(rows(20, 0)[0], np.ones(20, int))
    assert str(caught.value) == "FlowClassifier: expected at least 2 classes in y, got 1 class: np.int64(1)."


@pytest.mark.parametrize("priors", [[0.5], [0.5, 0.6], [-0.5, 1.5]])
def test_priors_are_checked(priors):
    with pytest.raises(ConfigError) as caught:
        FlowClassifier(**TINY, priors=priors).fit(*rows(30, 0))
    assert str(caught.value) == (
        f"FlowClassifier: expected priors of 2 classes, at least 0 and with sum 1, got {priors!r}."
    )
