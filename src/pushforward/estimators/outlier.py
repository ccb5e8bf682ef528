"""FlowOutlierDetector: rows of low density."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import OutlierMixin
from sklearn.utils._param_validation import Interval, StrOptions

from .base import FlowEstimator

FALSE_ALARMS = 0.05
"""The share of normal rows that "auto" flags at most."""


class FlowOutlierDetector(OutlierMixin, FlowEstimator):
    """Flags rows of low density under a flow.

    Args:
        contamination: where the threshold lies. A share in (0, 0.5]: so many of the rows given to `fit` are flagged,
            the held-out ones among them. "auto": a normal row that the flow has not seen is flagged with a probability
            of at most 0.05, whatever its law, by the ranks of the held-out rows (the conformal threshold; they also
            chose the best flow, which makes it slightly optimistic). With fewer than 19 held-out rows there is no
            such threshold, and the share of 0.05 of all rows is taken.
        validation: the share of rows held out; 0.2, as the threshold is learned from them too.
        flow, options, max_epochs, max_seconds, batch_size, patience, random_state, verbose: see `FlowEstimator`.

    Attributes:
        offset_: the threshold, a log-density in nats.
        held_out_scores_: log-densities of the held-out rows, sorted, shape (m,); empty if none were held out.
        flow_, columns_, history_, notes_, n_iter_, n_features_in_, feature_names_in_: as in `FlowDensity`.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **FlowEstimator._parameter_constraints,
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
    }

    def __init__(
        self,
        *,
        contamination: Any = "auto",
        flow: str = "auto",
        options: dict[str, Any] | None = None,
        max_epochs: int | None = None,
        max_seconds: float | None = None,
        batch_size: int | None = None,
        validation: float = 0.2,
        patience: float | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            flow=flow,
            options=options,
            max_epochs=max_epochs,
            max_seconds=max_seconds,
            batch_size=batch_size,
            validation=validation,
            patience=patience,
            random_state=random_state,
            verbose=verbose,
        )
        self.contamination = contamination

    def fit(self, X: Any, y: Any = None) -> "FlowOutlierDetector":
        """Fit to rows, shape (n, columns), most of them normal; y is ignored."""
        held_out = self._fit_rows(X)
        scores = self._log_density(X)
        self.held_out_scores_ = np.sort(scores[held_out])
        rank = int(FALSE_ALARMS * (len(self.held_out_scores_) + 1))
        if self.contamination == "auto" and rank:
            # A new row is below the rank-th smallest of m held-out ones with probability at most rank / (m + 1).
            self.offset_ = float(self.held_out_scores_[rank - 1])
        else:
            share = FALSE_ALARMS if self.contamination == "auto" else self.contamination
            self.offset_ = float(np.quantile(scores, share))
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """Return the log-density of every row, shape (n,), in nats: the lower, the more unusual."""
        return self._log_density(X)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return log-densities less the threshold `offset_`, shape (n,): negative for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """Return -1 for outliers and 1 for the others, shape (n,)."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def p_values(self, X: Any) -> np.ndarray:
        """Return for every row how likely a normal row is at least as unusual, shape (n,), in (0, 1].

        The conformal p-value (1 + number of held-out rows with a log-density no higher) / (1 + held-out rows): flagging
        rows with p <= a flags a share of at most about a of the normal ones. Without held-out rows it is 1.

        Reference: Bates, Candes, Lei, Romano and Sesia 2023, Testing for outliers with conformal p-values,
            arXiv:2104.08279, eq. 1.
        """
        below = np.searchsorted(self.held_out_scores_, self.score_samples(X), side="right")
        return (1 + below) / (1 + len(self.held_out_scores_))
