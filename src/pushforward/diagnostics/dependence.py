"""How much columns of any kind say about each other, and how alike two tables are, column by column."""

from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike

_CLASSES = 12
"""The most classes that a column is cut into."""


class Dependence(NamedTuple):
    """A pair of columns, i < j, and how many nats of information each has about the other."""

    first: int
    second: int
    nats: float


def dependent_pairs(codes: ArrayLike, *, most: int = 6) -> list[Dependence]:
    """Return the pairs of columns that depend most on each other, the strongest first; see `class_information`.

    Args:
        codes: shape (n, columns), NaN where missing.
        most: how many pairs.
    """
    rows = np.asarray(codes, np.float64)
    columns = [classes_of(column) for column in rows.T]
    pairs = [
        Dependence(i, j, _information(columns[i], columns[j]))
        for i in range(len(columns))
        for j in range(i + 1, len(columns))
    ]
    return sorted(pairs, key=lambda pair: -pair.nats)[:most]


def class_information(first: ArrayLike, second: ArrayLike) -> float:
    """Return how much two columns say about each other, in nats, by their classes.

    Each column is cut into at most 12 classes: its levels, or equally full intervals; missing values are a class. The
    mutual information of the classes loses its mean under independence, (a - 1) (b - 1) / (2 n), and is not negative.

    Args:
        first, second: codes, shape (n,), NaN where missing.

    Accuracy: tests/diagnostics/test_dependence.py.
    Reference: Miller 1955, Note on the bias of information estimates (the correction).
    """
    ours, theirs = (classes_of(np.asarray(codes, np.float64)) for codes in (first, second))
    return _information(ours, theirs)


def classes_of(column: np.ndarray) -> np.ndarray:
    """Return the class of every value of a column, shape (n,): whole numbers from 0."""
    missing = np.isnan(column)
    present = column[~missing]
    values, counts = np.unique(present, return_counts=True)
    if len(values) <= _CLASSES:
        found = np.searchsorted(values, np.where(missing, 0.0, column))
    else:
        # A value that holds many rows takes several quantiles, which are one class then.
        ends = np.unique(np.quantile(np.repeat(values, counts), np.arange(1, _CLASSES) / _CLASSES))
        found = np.searchsorted(ends, np.where(missing, 0.0, column), side="right")
    classes = np.where(missing, _CLASSES + 1, found)
    return np.unique(classes, return_inverse=True)[1]


def _information(first: np.ndarray, second: np.ndarray) -> float:
    a, b, n = int(first.max()) + 1, int(second.max()) + 1, len(first)
    joint = np.bincount(first * b + second, minlength=a * b).reshape(a, b) / n
    alone = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    held = joint > 0  # where nothing is, x log x is 0
    nats = float(np.sum(joint[held] * np.log(joint[held] / alone[held])))
    return max(nats - (a - 1) * (b - 1) / (2 * n), 0.0)


def distance(first: ArrayLike, second: ArrayLike, *, levels: bool) -> float:
    """Return how far two columns' laws are apart, from 0 to 1.

    Args:
        first, second: values, shapes (n,) and (m,); NaN, a missing value, is a level, and below all numbers.
        levels: of levels the total variation, half of the sum of |p - q|; else the largest difference of the
            distribution functions (Kolmogorov's and Smirnov's).
    """
    ours, theirs = (np.nan_to_num(np.asarray(x, np.float64), nan=-np.inf) for x in (first, second))
    values = np.unique(np.concatenate([ours, theirs]))
    if levels:
        shares = [
            np.bincount(np.searchsorted(values, x), minlength=len(values)) / len(x) for x in (ours, theirs)
        ]
        return float(np.abs(shares[0] - shares[1]).sum() / 2)
    below = [np.searchsorted(np.sort(x), values, side="right") / len(x) for x in (ours, theirs)]
    return float(np.abs(below[0] - below[1]).max())
