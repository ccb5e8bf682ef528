"""ConditionalFlow: densities, quantiles and intervals against laws that are known."""

import io

import joblib
import numpy as np
import pytest
from scipy import stats

from estimators.settings import TINY
from pushforward.errors import ConfigError, ShapeError
from pushforward.estimators import ConditionalFlow

BENDING = {"flow": "nsf", "options": {"layers": 1, "hidden": (32,)}, "max_epochs": 40, "batch_size": 64}


def law(x):
    """Mean and scale both depend on the first column; the second says nothing, the third is constant."""
    return stats.norm(3 * x[:, 0] + 50, 0.5 + np.abs(x[:, 0]))


def rows(count, seed):
    random = np.random.default_rng(seed)
    x = np.stack([random.uniform(-2, 2, count), 1e3 * random.normal(size=count), np.ones(count)], axis=1)
    return x, law(x).rvs(random_state=random)


@pytest.fixture(scope="module")
def fitted():
    return ConditionalFlow(**BENDING, random_state=0).fit(*rows(4000, 0))


@pytest.fixture(scope="module")
def fresh():
    return rows(5000, 1)


def test_density_is_near_the_true_one(fitted, fresh):
    x, y = fresh
    error = law(x).logpdf(y) - fitted.log_prob(x, y)
    # The mean is the mean divergence of the predictive densities, up to its standard error.
    assert -3 * error.std() / np.sqrt(5000) < error.mean() < 0.06
    assert fitted.score(x, y) == np.mean(fitted.log_prob(x, y))
    assert fitted.context_columns_.tolist() == [0, 1]


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_intervals_cover_everywhere(fitted, fresh, coverage):
    x, y = fresh
    low, high = fitted.predict_interval(x, coverage).T
    inside = (low <= y) & (y <= high)
    for part in (np.abs(x[:, 0]) < 0.5, x[:, 0] < -1, x[:, 0] > 1):
        # Five standard errors of a share, and 0.05 for the fit. One scale for all would cover 0.99 in the first part.
        error = np.sqrt(coverage * (1 - coverage) / part.sum())
        assert abs(inside[part].mean() - coverage) < 5 * error + 0.05


def test_mean_and_quantiles_agree_with_draws(fitted):
    x, _ = rows(20, 2)
    drawn = fitted.sample(x, 4000)
    assert drawn.shape == (20, 4000)
    scale = drawn.std(axis=1)
    assert (np.abs(fitted.predict(x) - drawn.mean(axis=1)) < 6 * scale / np.sqrt(4000)).all()
    levels = [0.1, 0.5, 0.8]
    found = fitted.predict_quantiles(x, levels)
    assert found.shape == (20, 3)
    assert (np.diff(found, axis=1) > 0).all()
    shares = (drawn[:, :, None] <= found[:, None]).mean(axis=1)
    # Six standard errors of a share of 4000 draws, at most 0.0079 each.
    assert np.abs(shares - levels).max() < 6 * 0.0079


def test_quantiles_are_inverses_of_the_density(fitted):
    x, _ = rows(3, 3)
    low, high = fitted.predict_interval(x, 0.8).T
    for row, a, b in zip(x, low, high, strict=True):
        grid = np.linspace(a, b, 2001)
        density = np.exp(fitted.log_prob(np.repeat(row[None], 2001, axis=0), grid))
        assert np.trapezoid(density, grid) == pytest.approx(0.8, abs=2e-3)


def test_pickle_gives_the_same_predictions(fitted, fresh):
    file = io.BytesIO()
    joblib.dump(fitted, file)
    file.seek(0)
    assert (joblib.load(file).predict(fresh[0][:9]) == fitted.predict(fresh[0][:9])).all()


def test_several_outputs_of_which_one_is_whole_and_one_constant():
    x, y = rows(600, 0)
    y = np.stack([y, np.full(600, 3.0), np.random.default_rng(0).poisson(4, 600)], axis=1)
    fitted = ConditionalFlow(**TINY, random_state=0).fit(x, y)
    assert fitted.predict(x[:4]).shape == (4, 3)
    assert fitted.predict_quantiles(x[:4], [0.2, 0.7]).shape == (4, 2, 3)
    drawn = fitted.sample(x[:40], 50)
    assert drawn.shape == (40, 50, 3)
    assert (drawn[..., 1] == 3).all()
    assert (drawn[..., 2] == np.round(drawn[..., 2])).all()
    mean, scale = drawn.mean(axis=1), drawn.std(axis=1)
    # Means of 1000 and of 50 draws: within six standard errors, and what rounding moves.
    assert (np.abs(fitted.predict(x[:40]) - mean) <= 6 * scale * np.sqrt(1 / 50 + 1 / 1000) + 0.05).all()
    y[1, 1] += 1
    scores = fitted.log_prob(x[:3], y[:3])
    assert np.isfinite(scores).tolist() == [True, False, True]


def test_a_column_of_outputs_stays_a_column():
    x, y = rows(60, 0)
    assert ConditionalFlow(**TINY, random_state=0).fit(x, y[:, None]).predict(x[:2]).shape == (2, 1)


def test_no_column_that_tells_anything():
    _, y = rows(300, 0)
    x = np.ones((300, 2))
    fitted = ConditionalFlow(**TINY, random_state=0).fit(x, y)
    assert fitted.predict_interval(x[:2]).shape == (2, 2)
    assert fitted.sample(x[:2], 3).shape == (2, 3)
    assert np.ptp(fitted.predict(x[:5])) == 0
    assert fitted.predict(x[:1])[0] == pytest.approx(y.mean(), abs=0.5)


def test_a_base_without_scores_gives_quantiles_by_draws():
    x, y = rows(300, 0)
    settings = {"flow": "made_mog", "options": {"hidden": (8,), "components": 2}, "max_epochs": 2}
    fitted = ConditionalFlow(**settings, random_state=0).fit(x, y)
    found = fitted.predict_quantiles(x[:5], [0.1, 0.9])
    assert (found[:, 0] < found[:, 1]).all()
    assert (fitted.predict_quantiles(x[4:5], [0.1, 0.9]) == found[4:]).all()


def test_what_is_refused(fitted):
    x, y = rows(5, 0)
    with pytest.raises(ShapeError) as caught:
        fitted.log_prob(x, np.stack([y, y], axis=1))
    assert str(caught.value) == "ConditionalFlow: expected y of 1 outputs, got 2."
    with pytest.raises(ConfigError) as caught:
        fitted.predict_quantiles(x, [0.5, 1.0])
    assert str(caught.value) == (
        "ConditionalFlow: expected quantiles strictly between 0 and 1, got [0.5, 1.0]."
    )
    with pytest.raises(ConfigError) as caught:
        fitted.predict_interval(x, 0)
    assert str(caught.value) == "ConditionalFlow: expected a coverage strictly between 0 and 1, got 0."
    with pytest.raises(ConfigError) as caught:
        fitted.sample(x, 0)
    assert str(caught.value) == "ConditionalFlow.sample: expected n_samples of at least 1, got 0."
