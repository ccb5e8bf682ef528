"""The audit's bounds hold, and its area under the curve is the plain one."""

import numpy as np
import pytest
from scipy import stats

from pushforward.diagnostics.audit import statistics


def test_distance_is_that_of_scipy():
    heights = np.random.default_rng(0).uniform(size=(200, 3)) ** [1.0, 0.8, 1.5]
    found = statistics.distance_from_uniform(heights)
    np.testing.assert_allclose(found, [stats.kstest(column, "uniform").statistic for column in heights.T])


@pytest.mark.parametrize("columns", [1, 10])
def test_noise_is_not_exceeded_more_often_than_stated(monkeypatch, columns):
    """At a rate of 5 %, where it can be seen: at most 5 % and 6 deviations of 1000 repetitions; keys are fixed."""
    monkeypatch.setattr(statistics, "FALSE_ALARM", 0.05)
    distances, correlations = 0, 0
    for seed in range(1000):
        u = np.random.default_rng(seed).uniform(size=(100, columns + 1))
        distances += statistics.distance_from_uniform(u).max() > statistics.distance_noise(100, columns + 1)
        matrix = np.abs(np.corrcoef(u.T)) - np.eye(columns + 1)
        correlations += matrix.max() > statistics.correlation_noise(100, (columns + 1) * columns // 2)
    assert 2 <= distances <= 50 + 6 * 7
    assert 2 <= correlations <= 50 + 6 * 7


def test_area_and_its_error():
    random = np.random.default_rng(0)
    areas, errors = [], []
    for _ in range(200):
        first, second = np.round(random.normal(0.5, 1, 80), 1), np.round(random.normal(0, 1, 120), 1)
        area, error = statistics.area_under_curve(first, second)
        areas.append(area)
        errors.append(error)
    plain = np.mean((first[:, None] > second) + 0.5 * (first[:, None] == second))
    assert areas[-1] == pytest.approx(plain)
    # The deviation of 200 numbers is known to 5 %; 6 of these fail once in 5e8.
    assert np.std(areas) == pytest.approx(np.mean(errors), rel=0.3)
    assert np.mean(areas) == pytest.approx(stats.norm.cdf(0.5 / np.sqrt(2)), abs=0.02)


def test_a_perfect_separation_has_an_error():
    area, error = statistics.area_under_curve(np.arange(50) + 100.0, np.arange(50.0))
    assert area == 1
    assert 0 < error < 0.02
