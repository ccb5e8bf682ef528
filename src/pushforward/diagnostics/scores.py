"""Log-densities of many rows in a few numbers."""

from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike

from ..errors import ShapeError


class Score(NamedTuple):
    """A mean log-likelihood in nats per row, and its standard error as if the rows were independent."""

    mean: float
    standard_error: float


def score(log_probs: ArrayLike) -> Score:
    """Return the mean of log-densities, shape (n,), with its standard error; the error is NaN for one row.

    Raises:
        ShapeError: if there are none, or they are no vector.
    """
    values = np.asarray(log_probs, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ShapeError(f"score: expected log-densities of shape (n,), n >= 1, got shape {values.shape}.")
    spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return Score(float(values.mean()), spread / len(values) ** 0.5)


def ranks(log_probs: ArrayLike, reference: ArrayLike) -> np.ndarray:
    """Return the share of reference log-densities that are lower than each log-density.

    0 means: less likely than every reference row; 1: more likely than all.

    Args:
        log_probs: shape (n,).
        reference: shape (m,), m >= 1, usually those of the training rows.

    Returns:
        Numbers in [0, 1], shape (n,).

    Raises:
        ShapeError: if there is no reference.
    """
    ordered = np.sort(np.asarray(reference, dtype=np.float64).ravel())
    if not len(ordered):
        raise ShapeError("ranks: expected at least one reference log-density, got none.")
    return np.searchsorted(ordered, np.asarray(log_probs, dtype=np.float64)) / len(ordered)
