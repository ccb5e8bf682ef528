"""ConditionalFlow: the whole predictive density of y given X."""

from numbers import Integral
from statistics import NormalDist
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.random as jr
import numpy as np
from jaxtyping import Array, PRNGKeyArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

from ..distributions.flow import Flow
from ..distributions.normal import StandardNormal
from ..errors import ConfigError, ShapeError
from .base import CHUNK, FLOATS, FlowEstimator, choose_held_out, draw_seed, in_chunks
from .columns import Columns

DRAWS = 1000
"""Draws for each row where there is no quantile function."""

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)
_EVENTS = 16 * 1024
"""Values of y in one call, where there are several for each row."""

_score = np.vectorize(NormalDist().inv_cdf, otypes=[float])


class ConditionalFlow(RegressorMixin, FlowEstimator):
    """The density of y given X, y one number or several: predictions with all of their uncertainty.

    With one output and a flow on a normal base, the flow is an increasing or decreasing function of a normal score
    for every X, so quantiles are exact and the mean is an integral over scores (64 Gauss-Hermite nodes). Otherwise both
    come from 1000 draws for each row, the same base points for all rows and calls.

    Constant columns of X tell nothing and are left out. What is said of columns in `FlowDensity` holds for those of y:
    a constant output, or one equal to another, is left out of the density, and whole numbers are taken as rounded.

    Args:
        flow, options, max_epochs, max_seconds, batch_size, validation, patience, random_state, verbose: see
            `FlowEstimator`.

    Attributes:
        flow_: the fitted `pushforward.Flow` of y, its context the columns `context_columns_` of X.
        context_columns_: places of the columns of X that are used.
        columns_: which outputs are modelled.
        history_, notes_, n_iter_, n_features_in_, feature_names_in_: as in `FlowDensity`.

    Example:
        ConditionalFlow(random_state=0).fit(X, y).predict_interval(X, coverage=0.9)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = FlowEstimator._parameter_constraints

    def __sklearn_tags__(self) -> Any:
        """Return the tags: several outputs are possible; `score` is in nats, not a share of variance."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        # The check of regressors would compare nats with a bound for R^2.
        tags.regressor_tags.poor_score = True
        return tags

    def fit(self, X: Any, y: Any) -> "ConditionalFlow":
        """Fit to rows X, shape (n, columns), and outputs y, shape (n,) or (n, outputs)."""
        self._validate_params()
        checked: Any = validate_data(
            self, X, y, dtype=FLOATS, multi_output=True, y_numeric=True, ensure_min_samples=2
        )
        rows, targets = checked
        self.single_output_ = np.ndim(targets) == 1
        outputs = np.asarray(targets, np.float64).reshape(len(rows), -1)
        seed = draw_seed(self.random_state)
        random = np.random.default_rng(seed)
        self.columns_ = Columns.learn("ConditionalFlow, y", outputs)
        modelled = self.columns_.blur(self.columns_.reduce(outputs)[0], random)
        held_out = choose_held_out(np.zeros(len(rows), int), self.validation, random)
        self.context_columns_ = np.flatnonzero(np.ptp(rows[~held_out], axis=0) > 0)
        self._seed = seed
        self._fit_flow(modelled, self._context(rows), held_out, seed)
        return self

    def log_prob(self, X: Any, y: Any) -> np.ndarray:
        """Return log p(y | X) of every row, shape (n,), in nats, in the units of y.

        Raises:
            ShapeError: if y has another number of outputs than in `fit`.
        """
        rows = self._checked(X)
        outputs: Any = check_array(y, dtype=FLOATS, ensure_2d=False)
        check_consistent_length(rows, outputs)
        outputs, expected = outputs.reshape(len(rows), -1), len(self.columns_.source)
        if outputs.shape[1] != expected:
            raise ShapeError(f"ConditionalFlow: expected y of {expected} outputs, got {outputs.shape[1]}.")
        modelled, possible = self.columns_.reduce(outputs)
        return np.where(possible, self._by_rows(self.flow_.log_prob, rows, modelled), -np.inf)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean of log p(y | X) in nats, weighted by `sample_weight` of shape (n,) if it is given."""
        return float(np.average(self.log_prob(X, y), weights=sample_weight))

    def predict(self, X: Any) -> np.ndarray:
        """Return the mean of y given each row of X, shape (n,) or (n, outputs)."""
        rows = self._checked(X)
        if self._has_quantiles():
            values, weights = self._values(rows, _NODES), _WEIGHTS / _WEIGHTS.sum()
        else:
            values, weights = self._draws(rows), np.full(DRAWS, 1 / DRAWS)
        return self._given_back(self.columns_.widen(np.einsum("nmk,m->nk", values, weights)))

    def predict_quantiles(self, X: Any, quantiles: Any = (0.05, 0.5, 0.95)) -> np.ndarray:
        """Return quantiles of y given each row of X, of each output by itself; rounded where y is.

        Args:
            X: rows, shape (n, columns).
            quantiles: probabilities strictly between 0 and 1, shape (q,).

        Returns:
            Shape (n, q), or (n, q, outputs); rising with the probability.

        Raises:
            ConfigError: if a probability is not between 0 and 1.
        """
        rows = self._checked(X)
        levels = np.atleast_1d(np.asarray(quantiles, np.float64))
        if levels.ndim != 1 or not ((levels > 0) & (levels < 1)).all():
            raise ConfigError(
                f"ConditionalFlow: expected quantiles strictly between 0 and 1, got {quantiles!r}."
            )
        if self._has_quantiles():
            # Where the flow decreases, the quantile at p is its value at the score of 1 - p. Two more scores tell.
            values = self._values(rows, np.concatenate([_score(levels), _score(1 - levels), [-1.0, 1.0]]))
            rising, falling, ends = np.split(values, [len(levels), 2 * len(levels)], axis=1)
            found = np.where(ends[:, 1:] < ends[:, :1], falling, rising)
        else:
            found = np.moveaxis(np.quantile(self._draws(rows), levels, axis=1), 0, 1)
        whole = self.columns_.restore(found.reshape(-1, found.shape[-1]))
        return self._given_back(whole.reshape(len(rows), len(levels), -1))

    def predict_interval(self, X: Any, coverage: float = 0.9) -> np.ndarray:
        """Return the central interval that holds each output with a probability: shape (n, 2), or (n, 2, outputs).

        Args:
            X: rows, shape (n, columns).
            coverage: the probability, strictly between 0 and 1.
        """
        if not 0 < coverage < 1:
            raise ConfigError(
                f"ConditionalFlow: expected a coverage strictly between 0 and 1, got {coverage!r}."
            )
        return self.predict_quantiles(X, [(1 - coverage) / 2, (1 + coverage) / 2])

    def sample(self, X: Any, n_samples: int = 1, random_state: Any = None) -> np.ndarray:
        """Draw y given each row of X; rounded where y is.

        Args:
            X: rows, shape (n, columns).
            n_samples: draws for each row, at least 1.
            random_state: an int, a RandomState, or None for that of the estimator.

        Returns:
            Shape (n, n_samples), or (n, n_samples, outputs).
        """
        rows = self._checked(X)
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise ConfigError(f"ConditionalFlow.sample: expected n_samples of at least 1, got {n_samples!r}.")
        key = jr.key(draw_seed(self.random_state if random_state is None else random_state))
        context, count = self._context(rows), int(n_samples)
        shape = (count,) if context is not None else (count, len(rows))
        drawn = np.moveaxis(np.asarray(self.flow_.sample(key, shape, context), np.float64), 0, 1)
        whole = self.columns_.restore(drawn.reshape(len(rows) * count, -1))
        return self._given_back(whole.reshape(len(rows), count, -1))

    def _context(self, rows: np.ndarray) -> np.ndarray | None:
        """Return the contexts of rows, or None if no column of X varied."""
        return rows[:, self.context_columns_].astype(np.float64) if len(self.context_columns_) else None

    def _given_back(self, outputs: np.ndarray) -> np.ndarray:
        return outputs[..., 0] if self.single_output_ else outputs

    def _by_rows(self, function: Any, rows: np.ndarray, *arrays: np.ndarray, **options: Any) -> np.ndarray:
        """Apply a function of (arrays, context or None) to chunks of rows."""
        context = self._context(rows)
        if context is None:
            return in_chunks(lambda _, *parts: function(*parts, None), rows, *arrays, **options)
        return in_chunks(lambda given, *parts: function(*parts, given), context, *arrays, **options)

    def _has_quantiles(self) -> bool:
        return self.flow_.event_shape == (1,) and isinstance(self.flow_.base, StandardNormal)

    def _values(self, rows: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return y at scores for every row, shape (n, scores, 1)."""
        size = _rows_for(len(scores))

        def at(context: Any) -> Any:
            points = np.broadcast_to(scores[:, None], (size, len(scores), 1))
            return self.flow_.to_data(points, None if context is None else context[:, None])

        return self._by_rows(at, rows, size=size)

    def _draws(self, rows: np.ndarray) -> np.ndarray:
        """Return draws of the modelled outputs, shape (n, DRAWS, k), from the same keys for all rows."""
        keys, size = jr.split(jr.fold_in(jr.key(self._seed), 1), DRAWS), _rows_for(DRAWS)
        return self._by_rows(lambda context: _draw(self.flow_, keys, context, size), rows, size=size)


def _rows_for(values: int) -> int:
    """Return how many rows go in one call with so many values each."""
    return min(max(_EVENTS // values, 1), CHUNK)


@eqx.filter_jit
def _draw(flow: Flow, keys: PRNGKeyArray, context: Array | None, count: int) -> Array:
    """Return draws for each of `count` contexts, shape (count, keys, *event_shape)."""

    def for_one(one: Array | None) -> Array:
        return jax.vmap(lambda key: flow._sample(key, one))(keys)

    if context is None:
        return jax.vmap(lambda _: for_one(None), axis_size=count)(None)
    return jax.vmap(for_one)(jax.numpy.asarray(context, dtype=float))
