"""Importance weights: sums that follow the largest weight, and how many draws they count for."""

import math
import warnings

import numpy as np
from jaxtyping import ArrayLike

from ..errors import DomainError

LEAST = 100
"""With fewer effective draws, estimates by importance sampling warn."""


class Weighted:
    """Sums over draws with weights exp(log_weight), which come in blocks, in float64.

    Weights are kept relative to the largest one met so far, so that none overflows and not all underflow.

    Reference: Owen 2013, Monte Carlo theory, methods and examples, sections 9.1-9.3; Kong 1992, A note on importance
        sampling using standardized weights, University of Chicago, technical report 348.
    """

    def __init__(self) -> None:
        self.count = self.bad = 0
        self.mean_log = 0.0
        self._top = -math.inf
        self._total = self._square = 0.0
        self._first = self._cross = self._second = np.float64(0.0)

    def add(self, log_weights: ArrayLike, values: ArrayLike = 1.0) -> None:
        """Count a block.

        Args:
            log_weights: shape (n,); -inf is the weight 0. NaN and inf are counted in `bad` and spoil everything.
            values: what is weighted, shape (n,), (n, k) or (); not looked at where the weight is 0.
        """
        logs = np.asarray(log_weights, np.float64)
        self.bad += int(np.sum(np.isnan(logs) | (logs == math.inf)))
        self.count += len(logs)
        if self.bad:
            return
        if self.mean_log > -math.inf:  # one weight of 0 makes the mean -inf for good
            self.mean_log += float(np.sum(logs - self.mean_log)) / self.count
        top = max(self._top, float(np.max(logs, initial=-math.inf)))
        if top == -math.inf:
            return
        shrink = math.exp(self._top - top)
        weights = np.exp(logs - top)
        given = np.asarray(values, np.float64)
        weights_of = weights.reshape(-1, *(1,) * (given.ndim - 1)) if given.ndim else weights
        kept = np.where(weights_of > 0, given, 0.0)
        self._top = top
        self._total = self._total * shrink + float(weights.sum())
        self._square = self._square * shrink**2 + float((weights**2).sum())
        self._first = self._first * shrink + (weights_of * kept).sum(axis=0)
        self._cross = self._cross * shrink**2 + (weights_of**2 * kept).sum(axis=0)
        self._second = self._second * shrink**2 + ((weights_of * kept) ** 2).sum(axis=0)

    def check(self, who: str) -> None:
        """Raise a DomainError if a weight is NaN or infinite, or all are zero."""
        if self.bad or self._total == 0:
            what = f"{self.bad} that are NaN or infinite" if self.bad else "none above zero"
            raise DomainError(f"{who}: expected finite weights, got {what} among {self.count} draws.")

    @property
    def effective(self) -> float:
        """(sum w)^2 / sum w^2, from 1 to the number of draws; at least the largest weight is 1, so no 0 / 0."""
        return self._total**2 / self._square

    @property
    def log_mean(self) -> float:
        """The log of the mean weight."""
        return self._top + math.log(self._total / self.count)

    @property
    def log_mean_error(self) -> float:
        """Standard error of `log_mean` by the delta method: sqrt(var(w) / n) / mean(w)."""
        return math.sqrt(max(1 / self.effective - 1 / self.count, 0.0))

    def mean(self) -> tuple[float, float]:
        """Return the mean of w f, and its standard error; both may overflow to infinity."""
        first, second = float(self._first) / self.count, float(self._second) / self.count
        error = math.sqrt(max(second - first**2, 0.0) / max(self.count - 1, 1))
        scale = float(np.exp(np.minimum(self._top, 709.0))) if self._top < 709 else math.inf
        return first * scale if first else 0.0, error * scale if error else 0.0

    def ratio(self) -> tuple[np.ndarray, np.ndarray]:
        """Return sum(w f) / sum(w), and its standard error by the delta method, Owen's eq. 9.8.

        The error is the root of sum(w^2 (f - ratio)^2), divided by sum(w).
        """
        value = np.asarray(self._first / self._total)
        spread = self._second - 2 * value * self._cross + value**2 * self._square
        return value, np.sqrt(np.maximum(spread, 0.0)) / self._total


def warn_if_few(who: str, effective: float, samples: int, stacklevel: int = 3) -> None:
    """Warn if the draws count as fewer than `LEAST` effective ones."""
    if effective < LEAST:
        warnings.warn(
            f"{who}: {samples} draws count as {effective:.1f} effective ones, too few to trust the estimate. "
            "Take more draws, or a flow that is closer to the density.",
            RuntimeWarning,
            stacklevel=stacklevel,
        )
