"""The detectors that a flow has to beat, from scikit-learn with its defaults, on standardised columns."""

import warnings

import numpy as np
from sets import Split, reduced, standardised
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

COMPONENTS = (1, 2, 4, 8, 16, 32)


def forest(split: Split, seed: int, seconds: float) -> tuple[np.ndarray, dict]:
    plain = standardised(split)
    model = IsolationForest(random_state=seed).fit(plain.train)
    return -model.score_samples(plain.test), {}


def local_outlier_factor(split: Split, seed: int, seconds: float) -> tuple[np.ndarray, dict]:
    plain = standardised(split)
    model = LocalOutlierFactor(n_neighbors=min(20, len(plain.train) - 1), novelty=True).fit(plain.train)
    return -model.score_samples(plain.test), {}


def support_vectors(split: Split, seed: int, seconds: float) -> tuple[np.ndarray, dict]:
    plain = standardised(split)
    return -OneClassSVM().fit(plain.train).score_samples(plain.test), {}


def tails(split: Split, seed: int, seconds: float) -> tuple[np.ndarray, dict]:
    """Empirical tails of the training columns, as ECOD: Li et al. 2022, arXiv:2201.00382, algorithm 1.

    The largest of three sums over columns: -log of the left tails, of the right tails, and of the tail on the side to
    which the column is skewed. A test value's tail counts itself, so that none is empty.
    """
    count = len(split.train)
    ordered = np.sort(split.train, axis=0)
    places = range(split.train.shape[1])
    left = np.stack([np.searchsorted(ordered[:, i], split.test[:, i], "right") for i in places], axis=1)
    right = np.stack(
        [count - np.searchsorted(ordered[:, i], split.test[:, i], "left") for i in places], axis=1
    )
    lefts, rights = (-np.log((tail + 1) / (count + 1)) for tail in (left, right))
    skew = np.mean((split.train - split.train.mean(axis=0)) ** 3, axis=0)
    skewed = np.where(skew < 0, lefts, rights)
    return np.max([part.sum(axis=1) for part in (lefts, rights, skewed)], axis=0), {}


def mixture(split: Split, seed: int, seconds: float) -> tuple[np.ndarray, dict]:
    """A mixture of normals, the number of components and the floor of the covariances chosen by validation."""
    small, how = reduced(split)
    plain = standardised(small)
    order = np.random.default_rng(seed).permutation(len(plain.train))
    cut = max(len(order) // 10, 1)
    held, rest, best = plain.train[order[:cut]], plain.train[order[cut:]], None
    for count in [k for k in COMPONENTS if k <= len(rest) // 5] or [1]:
        for floor in (1e-6, 1e-3, 1e-1):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = GaussianMixture(count, reg_covar=floor, random_state=seed).fit(rest)
            score = model.score(held)
            if best is None or score > best[0]:
                best = (score, model, count, floor)
    return -best[1].score_samples(plain.test), {"components": best[2], "floor": best[3], "columns": how}


METHODS = {
    "isolation-forest": forest,
    "lof": local_outlier_factor,
    "ocsvm": support_vectors,
    "ecod": tails,
    "gmm": mixture,
}
