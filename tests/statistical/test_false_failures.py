"""The stated rates of false failures hold, and so do the discrepancies that are said to be found.

Rates of 1e-6 cannot be seen in a test, so the same bounds are examined at larger rates. Keys are fixed: these tests
themselves do not fail by chance.
"""

import numpy as np
import pytest

from pushforward.testing import statistics

RATE = 0.05
REPEATS = 2000
MOST = RATE + 4 * (RATE * (1 - RATE) / REPEATS) ** 0.5
"""A true rate of RATE gives a larger share in one of 30,000 runs; the keys are fixed anyway."""


def _share(failed):
    return np.mean([failed(np.random.default_rng([7, seed])) for seed in range(REPEATS)])


@pytest.mark.parametrize("count", [20, 500])
def test_dkw(count):
    bound = statistics.dkw_bound(count, RATE)
    assert 0.2 * RATE < _share(lambda r: statistics.ks_distance(r.uniform(size=count)) > bound) <= MOST


def test_dkw_of_two_samples():
    bound = statistics.dkw_bound(300, RATE / 2) + statistics.dkw_bound(700, RATE / 2)

    def failed(random):
        return statistics.two_sample_distance(random.normal(size=300), random.normal(size=700)) > bound

    assert _share(failed) <= MOST


@pytest.mark.parametrize("probability", [0.02, 0.5])
def test_counts(probability):
    def failed(random):
        successes = int(random.binomial(400, probability))
        return statistics.count_excess(successes, 400, probability, probability) > np.log(2 / RATE)

    assert 0.05 * RATE < _share(failed) <= MOST


@pytest.mark.parametrize("probability", [0.02, 0.5])
def test_share_intervals(probability):
    def missed(random):
        low, high = statistics.share_interval(int(random.binomial(400, probability)), 400, RATE)
        return not low <= probability <= high

    assert 0.05 * RATE < _share(missed) <= MOST


def test_dkw_finds_twice_its_bound():
    count = 500
    bound = statistics.dkw_bound(count, RATE)
    # A law on the unit interval whose distribution function is off by 2 * bound at one half.
    shift = 2 * bound

    def found(random):
        return statistics.ks_distance(random.uniform(size=count) * (1 - shift)) > bound

    assert _share(found) >= 1 - MOST
