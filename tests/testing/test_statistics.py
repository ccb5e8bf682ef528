import math

import numpy as np
import pytest
from scipy import stats

from pushforward.testing import statistics


def test_dkw_bound():
    assert statistics.dkw_bound(1000, 1e-6) == pytest.approx(math.sqrt(math.log(2e6) / 2000))


def test_ks_distance_is_that_of_scipy():
    heights = np.random.default_rng(0).beta(1.2, 1.0, size=300)
    assert statistics.ks_distance(heights) == pytest.approx(stats.kstest(heights, "uniform").statistic)


def test_two_sample_distance_is_that_of_scipy():
    random = np.random.default_rng(0)
    first, second = random.normal(size=200), random.normal(0.3, size=77)
    expected = stats.ks_2samp(first, second).statistic
    assert statistics.two_sample_distance(first, second) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("successes", "probability"), [(0, 0.01), (30, 0.1), (170, 0.1), (950, 0.9), (1000, 0.99)]
)
def test_count_excess_never_overstates(successes, probability):
    """exp(-excess) is a bound of the exact tail, and not a bad one: within a factor of 100 of it."""
    law = stats.binom(1000, probability)
    tail = law.cdf(successes) if successes < 1000 * probability else law.sf(successes - 1)
    excess = statistics.count_excess(successes, 1000, probability, probability)
    assert tail <= math.exp(-excess) * (1 + 1e-9)
    assert math.exp(-excess) <= 100 * tail


def test_count_excess_is_zero_within_the_range():
    assert statistics.count_excess(150, 1000, 0.1, 0.2) == 0
    assert statistics.count_excess(90, 1000, 0.1, 0.2) == statistics.count_excess(90, 1000, 0.1, 0.1) > 0


def test_impossible_counts():
    assert statistics.count_excess(5, 10, 0.0, 0.0) == math.inf
    assert statistics.count_excess(5, 10, 1.0, 1.0) == math.inf


@pytest.mark.parametrize("successes", [0, 3, 500, 1000])
def test_share_interval_holds_the_exact_one(successes):
    low, high = statistics.share_interval(successes, 1000, 1e-4)
    exact = stats.binomtest(successes, 1000).proportion_ci(1 - 1e-4, method="exact")
    assert low <= exact.low + 1e-12
    assert high >= exact.high - 1e-12
    assert high - low <= 2 * (exact.high - exact.low)
