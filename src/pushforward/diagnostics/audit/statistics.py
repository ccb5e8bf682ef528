"""Distances with bounds that hold for every sample size, and the area under a curve with its error."""

import math

import numpy as np

FALSE_ALARM = 1e-4
"""The probability, at most, that chance alone carries a check of a right law over its noise; thresholds come on top."""


def distance_from_uniform(heights: np.ndarray) -> np.ndarray:
    """Return the Kolmogorov-Smirnov distance of every column of numbers in [0, 1], shape (n, d), from uniform."""
    count = len(heights)
    ordered, steps = np.sort(heights, axis=0), (np.arange(count + 1) / count)[:, None]
    return np.maximum((steps[1:] - ordered).max(axis=0), (ordered - steps[:-1]).max(axis=0))


def distance_noise(count: int, columns: int) -> float:
    """Return what the largest of such distances stays below by chance, but for `FALSE_ALARM`.

    sqrt(log(2 columns / a) / (2 count)): Massart 1990, Annals of Probability 18(3), for one column, times their number.
    """
    return math.sqrt(math.log(2 * columns / FALSE_ALARM) / (2 * count))


def correlation_noise(count: int, pairs: int) -> float:
    """Return what the largest of such correlations of uniform numbers stays below by chance, but for `FALSE_ALARM`.

    Of n pairs of independent uniforms the correlation has a deviation of 1 / sqrt(n) and lighter tails than the normal
    law's, whose sqrt(2 log(2 pairs / a)) deviations bound all pairs.
    """
    return math.sqrt(2 * math.log(2 * max(pairs, 1) / FALSE_ALARM) / count)


def area_under_curve(scores: np.ndarray, others: np.ndarray) -> tuple[float, float]:
    """Return P(score > other) + P(score = other) / 2, and its standard error.

    Reference: DeLong, DeLong and Clarke-Pearson 1988, Comparing the areas under two or more correlated receiver
        operating characteristic curves, Biometrics 44, 837-845. The variances of the placements are at least those of
        half a row out of place, so that a perfect separation has an error too.
    """
    above, below = np.sort(others), np.sort(scores)
    wins = (np.searchsorted(above, scores, "left") + np.searchsorted(above, scores, "right")) / (
        2 * len(above)
    )
    losses = (np.searchsorted(below, others, "left") + np.searchsorted(below, others, "right")) / (
        2 * len(below)
    )
    least = 0.25 / min(len(scores), len(others))
    variance = max(np.var(wins), least / len(above)) / len(scores)
    variance += max(np.var(losses), least / len(below)) / len(others)
    return float(wins.mean()), math.sqrt(variance)
