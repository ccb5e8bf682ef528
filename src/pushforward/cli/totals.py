"""The mean of numbers that come in batches."""

import math

import numpy as np


class Totals:
    """Mean and spread of log-densities that come in batches.

    Reference: Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance, eq. 2.1.
    """

    def __init__(self) -> None:
        self.rows = self.scored = self.not_finite = 0
        self.mean = self._squares = 0.0

    def add(self, log_prob: np.ndarray, rows: int) -> None:
        """Count a batch.

        Args:
            log_prob: of the rows that have one, shape (n,), in nats.
            rows: how many there were in all.
        """
        self.rows += rows
        self.not_finite += int((~np.isfinite(log_prob)).sum())
        if not len(log_prob):
            return
        count, mean = self.scored + len(log_prob), float(log_prob.mean())
        gap = mean - self.mean
        with np.errstate(invalid="ignore"):  # -inf - -inf: the error of such a mean is NaN
            squares = float(((log_prob - mean) ** 2).sum())
        self._squares += squares + gap * gap * self.scored * len(log_prob) / count
        self.mean += gap * len(log_prob) / count
        self.scored = count

    @property
    def standard_error(self) -> float:
        """Of the mean, as if the rows were independent; NaN for fewer than two."""
        if self.scored < 2 or not math.isfinite(self._squares):
            return math.nan
        return math.sqrt(self._squares / (self.scored - 1) / self.scored)
