"""FlowDensity: densities in nats, samples in the input's container."""

import jax.random as jr
import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from estimators.settings import TINY
from pushforward.errors import ConfigError
from pushforward.estimators import FlowDensity

LAW = stats.multivariate_normal([100.0, -3.0], [[4.0, 1.5], [1.5, 1.0]])


@pytest.fixture(scope="module")
def rows():
    return LAW.rvs(2000, random_state=0)


@pytest.fixture(scope="module")
def fitted(rows):
    return FlowDensity(**TINY | {"max_epochs": 30}, random_state=0).fit(rows)


def test_density_of_a_known_law(fitted):
    fresh = LAW.rvs(2000, random_state=1)
    error = LAW.logpdf(fresh) - fitted.score_samples(fresh)
    # The mean is the divergence of the fit from the law, up to its standard error.
    assert -3 * error.std() / np.sqrt(2000) < error.mean() < 0.03
    assert np.median(np.abs(error)) < 0.1


def test_score_is_the_mean_in_nats(fitted, rows):
    assert fitted.score(rows) == np.mean(fitted.score_samples(rows))


def test_scores_are_those_of_the_flow(fitted, rows):
    np.testing.assert_allclose(fitted.score_samples(rows[:300]), fitted.flow_.log_prob(rows[:300]), rtol=1e-5)


def test_samples_follow_the_law(fitted):
    drawn = fitted.sample(4000)
    for column, mean, scale in zip(drawn.T, LAW.mean, np.sqrt(np.diag(LAW.cov)), strict=True):
        # False alarm below 1e-6 for exact samples, by Kolmogorov's bound; 0.02 more for the fit.
        distance = stats.kstest(column, stats.norm(mean, scale).cdf).statistic
        assert distance < np.sqrt(np.log(2e6) / (2 * 4000)) + 0.02


def test_samples_repeat_by_random_state(fitted):
    assert (fitted.sample(5) == fitted.sample(5)).all()
    assert (fitted.sample(5, random_state=1) == fitted.sample(5, random_state=1)).all()
    assert (fitted.sample(5, random_state=1) != fitted.sample(5, random_state=2)).all()
    state = np.random.RandomState(0)
    assert (fitted.sample(5, random_state=state) != fitted.sample(5, random_state=state)).all()


def test_rows_have_the_same_bits_in_any_company(fitted, rows):
    together = fitted.score_samples(rows)
    assert (fitted.score_samples(rows[7:8]) == together[7:8]).all()
    assert (fitted.score_samples(rows[::-1]) == together[::-1]).all()


def test_table_with_names_types_rounded_and_left_out_columns():
    random = np.random.default_rng(0)
    x = random.normal(size=500).astype(np.float32)
    table = pa.table({"x": x, "count": random.poisson(4, 500), "same": np.full(500, 7), "copy": x})
    fitted = FlowDensity(**TINY, random_state=0).fit(table)
    assert fitted.feature_names_in_.tolist() == ["x", "count", "same", "copy"]
    drawn = fitted.sample(50)
    assert drawn.schema == table.schema
    assert set(drawn["count"].to_pylist()) <= set(table["count"].to_pylist())
    assert set(drawn["same"].to_pylist()) == {7}
    assert drawn["copy"] == drawn["x"]
    changed = table.slice(0, 2).set_column(2, "same", pa.array([7, 8]))
    scores = fitted.score_samples(changed)
    assert np.isfinite(scores[0])
    assert scores[1] == -np.inf


def test_cells_of_whole_numbers_hold_their_probabilities():
    x = np.random.default_rng(0).poisson(4.0, (3000, 1))
    fitted = FlowDensity(**TINY | {"max_epochs": 30}, random_state=0).fit(x)
    values = np.arange(1, 9)
    found = np.exp(fitted.score_samples(values[:, None]))
    np.testing.assert_allclose(found, stats.poisson(4.0).pmf(values), rtol=0.25)
    assert fitted.sample(3).dtype == x.dtype


def test_parameters_are_handed_on(monkeypatch):
    seen = {}

    def remember(rows, **options):
        seen.update(options, rows=rows)
        raise KeyError("enough")

    monkeypatch.setattr("pushforward.estimators.base.fit_table", remember)
    x = np.random.default_rng(0).normal(size=(200, 2))
    told = {"flow": "nsf", "options": {"bins": 4}, "batch_size": 32, "max_epochs": 3, "max_seconds": 7.0}
    with pytest.raises(KeyError):
        FlowDensity(**told, patience=2.0, validation=0.25, verbose=True, random_state=0).fit(x)
    assert seen.items() >= {**told, "patience": 2.0, "progress": True}.items()
    assert seen["rows"].shape == (150, 2)
    assert seen["validation"].shape == (50, 2)
    assert {tuple(row) for row in [*seen["rows"], *seen["validation"]]} == {tuple(row) for row in x}
    assert seen["key"].dtype == jr.key(0).dtype


@pytest.mark.parametrize("count", [0, 2.5, "3"])
def test_sample_refuses(fitted, count):
    with pytest.raises(ConfigError) as caught:
        fitted.sample(count)
    assert str(caught.value) == f"FlowDensity.sample: expected n_samples of at least 1, got {count!r}."
