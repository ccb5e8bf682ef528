"""A small classifier that tells two samples apart: logistic regression on products, or nearest neighbours."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from .statistics import area_under_curve

_Map = Callable[[np.ndarray], np.ndarray]

_NEIGHBOURS = 25
_PRODUCTS = 200
"""At most so many products of two columns are features."""

_PENALTY = 1.0
"""Of the squared weights, as if one observation in favour of none of the samples had been seen."""


def two_sample_scores(
    first: np.ndarray, second: np.ndarray, random: np.random.Generator
) -> tuple[str, np.ndarray, np.ndarray]:
    """Train on one half of both samples, and score the other half.

    Columns are made normal scores of the pooled training half, so that neither units nor heavy tails matter. A third of
    the training half chooses between the two classifiers.

    Args:
        first, second: samples of as many rows, shape (n, d).
        random: decides the halves.

    Returns:
        The name of the classifier, and the scores of the unseen halves, higher for the first sample.
    """
    train, rest = (list(part) for part in zip(_halves(first, random), _halves(second, random), strict=True))
    scores = _scorer(np.concatenate(train))
    fitted, chosen = zip(*(np.split(scores(part), [2 * len(part) // 3]) for part in train), strict=True)
    found = []
    for name, classifier in (("logistic regression", _logistic), (f"{_NEIGHBOURS} neighbours", _neighbours)):
        predict = classifier(*fitted)
        found.append((area_under_curve(*(predict(part) for part in chosen))[0], name, classifier))
    _, name, classifier = max(found, key=lambda item: item[0])
    predict = classifier(*(scores(part) for part in train))
    return name, *(predict(scores(part)) for part in rest)


def _halves(rows: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    order = random.permutation(len(rows))
    return rows[order[: len(rows) // 2]], rows[order[len(rows) // 2 :]]


def _scorer(pooled: np.ndarray) -> _Map:
    """Return a function to normal scores of the pooled rows' ranks."""
    count = len(pooled)
    ordered = np.sort(pooled, axis=0)
    quantiles = np.vectorize(NormalDist().inv_cdf)((np.arange(count + 1) + 0.5) / (count + 1))

    def scores(rows: np.ndarray) -> np.ndarray:
        places = [
            (np.searchsorted(known, column, "left") + np.searchsorted(known, column, "right")) // 2
            for known, column in zip(ordered.T, rows.T, strict=True)
        ]
        return quantiles[np.stack(places, axis=1)]

    return scores


def _features(scores: np.ndarray) -> np.ndarray:
    size = scores.shape[1]
    first, second = np.triu_indices(size)
    if len(first) > _PRODUCTS:
        # All squares, and the products of neighbours at growing distances.
        order = np.argsort(second - first, kind="stable")[: max(_PRODUCTS, size)]
        first, second = first[order], second[order]
    return np.hstack([np.ones((len(scores), 1)), scores, scores[:, first] * scores[:, second]])


def _logistic(first: np.ndarray, second: np.ndarray) -> _Map:
    """Newton's method for the penalised likelihood, which is concave: 25 steps, each at most 10 long."""
    x = _features(np.concatenate([first, second]))
    scale = x.std(axis=0)
    scale[0], scale[scale == 0] = 1.0, 1.0
    x, y = x / scale, np.repeat([1.0, 0.0], [len(first), len(second)])
    weights = np.zeros(x.shape[1])
    penalty = np.full(len(weights), _PENALTY)
    for _ in range(25):
        p = 0.5 + 0.5 * np.tanh(x @ weights / 2)
        gradient = x.T @ (y - p) - penalty * weights
        step = np.linalg.solve((x.T * (p * (1 - p))) @ x + np.diag(penalty), gradient)
        weights = weights + step * min(1.0, 10 / (np.abs(step).max() + 1e-12))
        if np.abs(step).max() < 1e-6:
            break
    return lambda rows: (_features(rows) / scale) @ weights


def _neighbours(first: np.ndarray, second: np.ndarray) -> _Map:
    """Share of the first sample among the nearest known rows."""
    known = np.concatenate([first, second])
    squares, near = (known**2).sum(axis=1), min(_NEIGHBOURS, len(known) - 1)

    def predict(rows: np.ndarray) -> np.ndarray:
        shares = []
        for start in range(0, len(rows), 256):
            part = rows[start : start + 256]
            places = np.argpartition(squares - 2 * part @ known.T, near, axis=1)[:, :near]
            shares.append((places < len(first)).mean(axis=1))
        return np.concatenate(shares)

    return predict
