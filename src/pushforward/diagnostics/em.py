"""Gaussian mixtures by expectation-maximisation, from the sums that are sufficient for them; in float64."""

import math
from typing import NamedTuple

import numpy as np

_BLOCK = 4096
"""Rows that are worked on at a time: the memory of a step does not grow with the table."""

_RIDGE = 1e-6
"""Added to every covariance's diagonal, so that a component on a single point keeps a density."""

_SPLIT = math.sqrt(2 / math.pi)
"""Where the halves of a split component lie: the means of a standard normal's two halves."""


class Components(NamedTuple):
    """The parameters of a mixture of K normals in d dimensions.

    Attributes:
        weights: positive, sum to one, shape (K,).
        means: shape (K, d).
        covariances: shape (K, d, d).
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


def one_component(rows: np.ndarray) -> Components:
    """Return the single normal of highest likelihood, shape of rows (n, d)."""
    return _maximise(_moments(rows, None)[1], rows.shape[1])


def split_components(mixture: Components) -> Components:
    """Return twice as many components: each becomes two along its longest axis, its moments kept."""
    variances, axes = np.linalg.eigh(mixture.covariances)
    steps = _SPLIT * np.sqrt(variances[:, -1:]) * axes[:, :, -1]
    # The two means lie steps away, which adds steps steps^T: taken off, the pair has the old covariance.
    covariances = mixture.covariances - steps[:, :, None] * steps[:, None, :]
    return Components(
        np.tile(mixture.weights / 2, 2),
        np.concatenate([mixture.means + steps, mixture.means - steps]),
        np.tile(covariances, (2, 1, 1)),
    )


def refine(
    rows: np.ndarray, mixture: Components, *, steps: int, tolerance: float
) -> tuple[Components, float]:
    """Raise the likelihood of a mixture by expectation-maximisation.

    Args:
        rows: shape (n, d), best with variances around 1.
        mixture: where to start.
        steps: the most steps.
        tolerance: stop when a step gains less, in nats per row.

    Returns:
        The mixture, and the mean log-density of the rows under the one before its last step, in nats.

    Accuracy: tests/diagnostics/test_em.py::test_steps_are_those_of_scikit_learn.
    Reference: Dempster, Laird and Rubin 1977, Maximum likelihood from incomplete data via the EM algorithm,
        J. R. Stat. Soc. B 39, section 4.3.
    """
    before = -np.inf
    for _ in range(steps):
        log_prob, sums = _moments(rows, mixture)
        mixture = _maximise(sums, rows.shape[1])
        if log_prob - before < tolerance:
            return mixture, log_prob
        before = log_prob
    return mixture, before


def log_density(rows: np.ndarray, mixture: Components) -> np.ndarray:
    """Return the log-density of every row, shape (n,), in nats."""
    weights = _natural(mixture)
    blocks = (rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK))
    return np.concatenate([_normalised(_features(block) @ weights)[0] for block in blocks])


def _moments(rows: np.ndarray, mixture: Components | None) -> tuple[float, np.ndarray]:
    """Return the mean log-density, and for each component the sum of the features weighted by its share."""
    size = _features(rows[:1]).shape[1]
    if mixture is None:
        weights, sums = None, np.zeros((1, size))
    else:
        weights, sums = _natural(mixture), np.zeros((len(mixture.weights), size))
    total = 0.0
    for start in range(0, len(rows), _BLOCK):
        features = _features(rows[start : start + _BLOCK])
        if weights is None:
            sums += features.sum(axis=0)
            continue
        log_prob, shares = _normalised(features @ weights)
        total += log_prob.sum()
        sums += shares.T @ features
    return total / len(rows), sums


def _features(rows: np.ndarray) -> np.ndarray:
    """Return (1, x_i, x_i x_j for i <= j) of every row: the log-density of a normal is linear in them."""
    first, second = np.triu_indices(rows.shape[1])
    return np.hstack([np.ones((len(rows), 1)), rows, rows[:, first] * rows[:, second]])


def _natural(mixture: Components) -> np.ndarray:
    """Return what the features are multiplied with for log(weight_k) + log N(x; mean_k, covariance_k).

    log N = -x^T P x / 2 + (P mean)^T x - mean^T P mean / 2 + log|det P| / 2 - d log(2 pi) / 2; P inverts the
    covariance.
    Each product x_i x_j, i < j, stands once among the features and twice in the quadratic form.
    """
    count, size = mixture.means.shape
    first, second = np.triu_indices(size)
    precisions = np.linalg.inv(mixture.covariances)
    linear = np.einsum("kij,kj->ki", precisions, mixture.means)
    quadratic = -0.5 * precisions[:, first, second] * np.where(first == second, 1.0, 2.0)
    constant = (
        np.log(mixture.weights)
        - 0.5 * np.linalg.slogdet(mixture.covariances)[1]
        - 0.5 * np.einsum("ki,ki->k", linear, mixture.means)
        - 0.5 * size * np.log(2 * np.pi)
    )
    return np.hstack([constant[:, None], linear, quadratic]).reshape(count, -1).T


def _maximise(sums: np.ndarray, size: int) -> Components:
    """Return the mixture of highest likelihood given the weighted sums of the features."""
    # A component that has lost all rows would divide by zero; with the smallest share it is harmless.
    counts = np.maximum(sums[:, 0], 10 * np.finfo(float).eps)
    means = sums[:, 1 : size + 1] / counts[:, None]
    first, second = np.triu_indices(size)
    squares = np.empty((len(sums), size, size))
    squares[:, first, second] = squares[:, second, first] = sums[:, size + 1 :] / counts[:, None]
    covariances = squares - means[:, :, None] * means[:, None, :] + _RIDGE * np.eye(size)
    return Components(counts / counts.sum(), means, covariances)


def _normalised(terms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log(sum(exp(terms))) of every row, shape (n,), and exp(terms) divided by that sum, shape (n, K)."""
    most = terms.max(axis=1, keepdims=True)
    shares = np.exp(terms - most)
    sums = shares.sum(axis=1, keepdims=True)  # at least 1: the largest term is exp(0)
    return (most + np.log(sums))[:, 0], shares / sums
