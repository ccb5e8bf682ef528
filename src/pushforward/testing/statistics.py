"""Bounds that hold for every sample size, so that a random test can state how often it fails by chance."""

import math

import numpy as np


def dkw_bound(count: int, false_fail: float) -> float:
    """How far an empirical distribution function of `count` draws may lie from the true one.

    sup |F_count - F| exceeds sqrt(log(2 / a) / (2 count)) with probability at most a, for every F and count.
    A law whose distribution function differs by more than twice the bound is found with probability 1 - a.

    Args:
        count: number of independent draws.
        false_fail: the probability a.

    Reference: Massart 1990, The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality, Annals of
        Probability 18(3), 1269-1283.
    """
    return math.sqrt(math.log(2 / false_fail) / (2 * count))


def ks_distance(heights: np.ndarray) -> float:
    """Largest distance between the distribution function of draws from (0, 1) and the uniform one.

    Args:
        heights: the true distribution function at the draws, shape (count,).
    """
    count = len(heights)
    ranks = np.arange(count + 1) / count
    ordered = np.sort(heights)
    return float(max(np.max(ranks[1:] - ordered), np.max(ordered - ranks[:-1])))


def two_sample_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Largest distance between the distribution functions of two samples, at most the sum of their bounds."""
    both = np.concatenate([first, second])
    below = [np.searchsorted(np.sort(part), both, side="right") / len(part) for part in (first, second)]
    return float(np.max(np.abs(below[0] - below[1])))


def count_excess(successes: int, trials: int, low: float, high: float) -> float:
    """How improbable a binomial count is, as -log of a bound on the probability of one at least as far away.

    P(count >= k) <= exp(-trials KL(k / trials || p)) for k / trials >= p, and likewise below. The test
    "fail if the result exceeds log(2 / a)" fails by chance with probability at most a, for every p in [low,
    high].

    Args:
        successes: the count k.
        trials: the number of independent trials.
        low: the least probability of success that is allowed for.
        high: the largest one.

    Reference: Chernoff's bound, Hoeffding 1963, JASA 58(301), theorem 1, eq. 2.1.
    """
    share = successes / trials
    nearest = min(max(share, low), high)
    return trials * _divergence(share, nearest)


def share_interval(successes: int, trials: int, false_fail: float) -> tuple[float, float]:
    """Where a binomial probability lies, with probability 1 - `false_fail`; the bound of `count_excess`."""
    limit = math.log(2 / false_fail) / trials
    share = successes / trials
    ends = []
    for end in (0.0, 1.0):
        near, far = share, end
        for _ in range(60):
            middle = (near + far) / 2
            near, far = (middle, far) if _divergence(share, middle) <= limit else (near, middle)
        ends.append(far)
    return ends[0], ends[1]


def _divergence(q: float, p: float) -> float:
    """KL divergence of a coin of probability q from one of probability p, in nats."""
    if (p <= 0 < q) or (p >= 1 > q):
        return math.inf
    first = q * math.log(q / p) if q > 0 else 0.0
    return first + ((1 - q) * math.log((1 - q) / (1 - p)) if q < 1 else 0.0)
