"""FlowDensity: the density of a table in scikit-learn's grammar."""

from numbers import Integral
from typing import Any, ClassVar

import jax.random as jr
import numpy as np
from sklearn.base import DensityMixin
from sklearn.utils.validation import check_is_fitted

from ..errors import ConfigError
from .base import FlowEstimator, draw_seed


class FlowDensity(DensityMixin, FlowEstimator):
    """The density of the rows of a table, by a normalizing flow.

    A constant column, and one that equals an earlier one, is left out of the density; `sample` gives it back, and
    rows in which it holds another value have log-density -inf. A column of whole numbers, or one whose values repeat,
    is taken as rounded: the density is that of its value before rounding, and `sample` rounds.

    Args:
        flow, options, max_epochs, max_seconds, batch_size, validation, patience, random_state, verbose: see
            `FlowEstimator`.

    Attributes:
        flow_: the fitted `pushforward.Flow` of the modelled columns, in their units.
        columns_: which columns are modelled, and what becomes of the others.
        history_: the course of training; likelihoods in nats.
        notes_: what the user should know, one sentence each.
        n_iter_: epochs done.
        n_features_in_, feature_names_in_: as in scikit-learn.

    Example:
        FlowDensity(random_state=0).fit(X).score_samples(X)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = FlowEstimator._parameter_constraints

    def fit(self, X: Any, y: Any = None) -> "FlowDensity":
        """Fit to rows, shape (n, columns), n at least 2 and the number of columns.

        Args:
            X: an array, or a frame of pandas, polars or pyarrow; finite numbers.
            y: ignored.
        """
        self._fit_rows(X)
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """Return the log-density of every row, shape (n,), in nats, in the units of the columns."""
        return self._log_density(X)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log-density of the rows in nats."""
        return float(np.mean(self.score_samples(X)))

    def sample(self, n_samples: int = 1, random_state: Any = None) -> Any:
        """Draw rows, in the container that `fit` got: an array of its dtype, or a frame with its names and types.

        Args:
            n_samples: how many, at least 1.
            random_state: an int, a RandomState, or None for that of the estimator: an int there gives the same rows at
                each call.

        Raises:
            ConfigError: if the number is not at least 1.
        """
        check_is_fitted(self)
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise ConfigError(f"FlowDensity.sample: expected n_samples of at least 1, got {n_samples!r}.")
        key = jr.key(draw_seed(self.random_state if random_state is None else random_state))
        rows = np.asarray(self.flow_.sample(key, (int(n_samples),)), np.float64)
        return self.container_.fill(self.columns_.restore(rows))
