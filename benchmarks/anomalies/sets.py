"""The ADBench sets under the semi-supervised protocol: NumPy and the standard library only.

Training rows are a random half of the normal rows; the test rows are the other half and all anomalies. Labels are
used for nothing else. As in ADBench, a set of more than 10,000 rows is first thinned at random to 10,000, with its
share of anomalies kept. Columns that are constant in the training rows, or equal to another one there, are left out.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parents[2]
MOST = 10_000
WIDE = 100
"""More columns than this, or than a tenth of the training rows, are reduced for densities; see `reduced`."""
COMPONENTS = 50


@dataclass(frozen=True)
class Split:
    """Training rows, test rows, and which of the test rows are anomalies; float64."""

    train: np.ndarray
    test: np.ndarray
    anomalous: np.ndarray


def folder() -> Path:
    """Where the sets are: PUSHFORWARD_DATA, by default ../shared/data from the project's root."""
    return Path(os.environ.get("PUSHFORWARD_DATA", PROJECT.parent / "shared" / "data")) / "anomaly"


def names() -> list[str]:
    """The sets that are there, in ADBench's order."""
    return sorted((path.stem for path in folder().glob("*.npz")), key=lambda name: int(name.split("_")[0]))


def load(name: str, seed: int) -> Split:
    """A set by name, split by a seed."""
    with np.load(folder() / f"{name}.npz", allow_pickle=False) as parts:
        rows, labels = parts["X"].astype(np.float64), parts["y"].astype(bool)
    rng = np.random.default_rng([seed, int(name.split("_")[0])])
    normal, anomalous = (rng.permutation(np.flatnonzero(labels == label)) for label in (False, True))
    share = min(1.0, MOST / len(rows))
    normal, anomalous = (part[: max(round(len(part) * share), 2)] for part in (normal, anomalous))
    half = len(normal) // 2
    train, test = rows[normal[:half]], rows[np.concatenate([normal[half:], anomalous])]
    kept = np.flatnonzero(train.min(axis=0) < train.max(axis=0))
    _, first = np.unique(train[:, kept], axis=1, return_index=True)
    kept = kept[np.sort(first)]
    flags = np.repeat([False, True], [len(normal) - half, len(anomalous)])
    return Split(train[:, kept], test[:, kept], flags)


def standardised(split: Split) -> Split:
    """The rows in units of the training rows' means and standard deviations."""
    mean, scale = split.train.mean(axis=0), split.train.std(axis=0)
    return Split((split.train - mean) / scale, (split.test - mean) / scale, split.anomalous)


def reduced(split: Split) -> tuple[Split, str]:
    """Principal components where there are too many columns for a density, and what was done.

    Of standardised columns, as many components as hold 95 % of the training rows' variance, at most 50 and at most a
    tenth of the training rows; and the log of the distance from their plane as one more column.
    """
    count, columns = split.train.shape
    if columns <= min(WIDE, count / 10):
        return split, "all columns"
    plain = standardised(split)
    _, sizes, axes = np.linalg.svd(plain.train, full_matrices=False)
    held = np.cumsum(sizes**2) / np.sum(sizes**2)
    number = int(min(np.searchsorted(held, 0.95) + 1, COMPONENTS, max(count // 10, 1), columns - 1))

    def projected(rows: np.ndarray) -> np.ndarray:
        inside = rows @ axes[:number].T
        rest = np.linalg.norm(rows - inside @ axes[:number], axis=1)
        return np.hstack([inside, np.log(rest + 1e-3)[:, None]])

    return (
        Split(projected(plain.train), projected(plain.test), split.anomalous),
        f"{number} principal components and the distance from them",
    )


def jitter_steps(train: np.ndarray) -> np.ndarray:
    """For each column the width of the noise that makes it continuous: 0 where most training values differ."""
    steps = np.zeros(train.shape[1])
    for place, column in enumerate(train.T):
        values = np.unique(column)
        if len(values) < 0.5 * len(column):
            steps[place] = np.quantile(np.diff(values), 0.05)
    return steps


def area_under_curve(scores: np.ndarray, anomalous: np.ndarray) -> float:
    """The probability that an anomaly's score is above a normal row's, ties counted half."""
    normal, other = np.sort(scores[~anomalous]), scores[anomalous]
    below = np.searchsorted(normal, other, "left") + np.searchsorted(normal, other, "right")
    return float(below.mean() / (2 * len(normal)))


def average_precision(scores: np.ndarray, anomalous: np.ndarray) -> float:
    """The mean precision at the anomalies' ranks; rows of equal score come in together, as in scikit-learn."""
    order = np.argsort(-scores, kind="stable")
    hits, ordered = np.cumsum(anomalous[order]), scores[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    precision, recall = hits[last] / (last + 1), hits[last] / anomalous.sum()
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))
