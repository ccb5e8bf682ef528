"""The mean of numbers that come in batches."""

import numpy as np

from ..diagnostics.estimates import Estimate, Running


class Totals:
    """Mean and spread of log-densities that come in batches: of all rows that have one, and of the finite ones."""

    def __init__(self) -> None:
        self.rows = 0
        self._all, self._finite = Running(), Running()

    def add(self, log_prob: np.ndarray, rows: int) -> None:
        """Count a batch.

        Args:
            log_prob: of the rows that have one, shape (n,), in nats.
            rows: how many there were in all.
        """
        self.rows += rows
        self._all.add(log_prob)
        self._finite.add(log_prob[np.isfinite(log_prob)])

    @property
    def scored(self) -> int:
        """How many rows have a log-density."""
        return self._all.count

    @property
    def not_finite(self) -> int:
        """How many of them have an infinite one, or NaN."""
        return self._all.count - self._finite.count

    @property
    def mean(self) -> Estimate:
        """The mean over all of them, -inf if one is; its error is NaN for fewer than two rows."""
        return self._all.estimate()

    @property
    def mean_of_finite(self) -> Estimate:
        """The mean over those with a finite one."""
        return self._finite.estimate()
