"""What all estimators share: parameters, the way to `fit_table` and back, scoring in chunks, and pickles."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar

import jax.random as jr
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from ..distributions.flow import Flow
from ..io import from_bytes, to_bytes
from ..tables import TableFit, fit_table
from .columns import Columns
from .containers import Container

CHUNK = 256
"""Rows of one call. Always as many, the last ones filled up: a row's result has the same bits in any company."""

LEAST_HELD_OUT = 10
"""Fewer rows than these say nothing about which flow is better: none are held out then."""

FEW_ROWS_EPOCHS = 100
"""Epochs where nothing was told and there are too few rows to hold any out: one step each."""


class FlowEstimator(BaseEstimator):
    """The abstract base of the estimators: `__init__` only stores, `fit` checks.

    Args:
        flow: name of a recipe, or "auto": see `pushforward.tables.settings_for`.
        options: the recipe's keyword arguments, over those of the default.
        max_epochs: the most epochs. If neither this nor `max_seconds` is given, as many as `fit_table` chooses by the
            number of rows; 100 if there are too few rows to hold any out.
        max_seconds: the most seconds, compilation included; the result then depends on the machine.
        batch_size: the most rows of a training step.
        validation: the share of rows held out to choose the best flow and to stop early. None are held out if they
            would be fewer than 10.
        patience: stop after so many epochs without a better validation likelihood.
        random_state: decides the held-out rows, the initial weights, the order of the rows and the draws. An int
            makes `fit` and `sample` repeatable.
        verbose: whether to show the progress of training.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "flow": [str],
        "options": [dict, None],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), None],
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "validation": [Interval(Real, 0, 1, closed="left")],
        "patience": [Interval(Real, 0, None, closed="neither"), None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        flow: str = "auto",
        options: dict[str, Any] | None = None,
        max_epochs: int | None = None,
        max_seconds: float | None = None,
        batch_size: int | None = None,
        validation: float = 0.1,
        patience: float | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.flow = flow
        self.options = options
        self.max_epochs = max_epochs
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.validation = validation
        self.patience = patience
        self.random_state = random_state
        self.verbose = verbose

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with the flow as the bytes of a model file: arrays of JAX are not pickled."""
        state = dict(super().__getstate__())
        if isinstance(state.get("flow_"), Flow):
            state["flow_"] = to_bytes(state["flow_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a state; the bytes of the flow are checked like any model file."""
        if isinstance(state.get("flow_"), bytes):
            state = {**state, "flow_": from_bytes(state["flow_"])}
        super().__setstate__(state)

    def _fit_rows(self, X: Any, rows: np.ndarray) -> np.ndarray:
        """Fit to checked rows; return which of them were held out, shape (n,)."""
        who = type(self).__name__
        seed = draw_seed(self.random_state)
        random = np.random.default_rng(seed)
        self.container_ = Container.of(X, rows)
        self.columns_ = Columns.learn(who, rows.astype(np.float64), self.container_.whole)
        modelled = self.columns_.blur(self.columns_.reduce(rows)[0], random)
        held_out = choose_held_out(len(rows), self.validation, random)
        self._keep(fit_flow(self, modelled, held_out, seed))
        return held_out

    def _keep(self, found: TableFit) -> None:
        self.flow_ = found.flow
        self.history_ = found.history
        self.notes_ = found.notes
        self.n_iter_ = max(int(np.ceil(found.history.epoch[-1])), 1) if found.history.epoch else 1

    def _checked(self, X: Any) -> np.ndarray:
        """Return rows for a fitted estimator, in float32 or float64, checked against those of `fit`."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=[np.float64, np.float32], reset=False)

    def _log_density(self, X: Any) -> np.ndarray:
        """Return the log-density of every row in nats, -inf where a left-out column holds another value."""
        rows = self._checked(X)
        rows, possible = self.columns_.reduce(rows)
        return np.where(possible, in_chunks(self.flow_.log_prob, rows), -np.inf)


def checked_rows(estimator: FlowEstimator, X: Any) -> np.ndarray:
    """Check parameters and training rows as scikit-learn does; sets `n_features_in_` and `feature_names_in_`."""
    estimator._validate_params()
    return validate_data(estimator, X, dtype=[np.float64, np.float32], ensure_min_samples=2)


def fit_flow(estimator: FlowEstimator, rows: np.ndarray, held_out: np.ndarray, seed: int) -> TableFit:
    """Call `fit_table` with the parameters of an estimator: the one place that knows its arguments.

    Args:
        estimator: whose parameters count.
        rows: shape (n, k), no column constant or equal to another.
        held_out: which rows are for validation, shape (n,).
        seed: decides weights and order.
    """
    max_epochs = estimator.max_epochs
    if (
        max_epochs is None
        and estimator.max_seconds is None
        and len(rows) * estimator.validation < LEAST_HELD_OUT
    ):
        max_epochs = None if estimator.validation == 0 else FEW_ROWS_EPOCHS
    return fit_table(
        rows[~held_out],
        key=jr.key(seed),
        flow=estimator.flow,
        options=estimator.options,
        validation=rows[held_out] if held_out.any() else 0,
        batch_size=estimator.batch_size,
        max_epochs=max_epochs,
        max_seconds=estimator.max_seconds,
        patience=estimator.patience,
        progress=bool(estimator.verbose),
    )


def draw_seed(random_state: Any) -> int:
    """Return a seed from what scikit-learn calls a random state: an int, a RandomState or None."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def choose_held_out(count: int, share: float, random: np.random.Generator) -> np.ndarray:
    """Return which of `count` rows are held out, shape (count,): none if they were fewer than `LEAST_HELD_OUT`."""
    held_out = np.zeros(count, bool)
    size = round(share * count)
    if size >= LEAST_HELD_OUT:
        held_out[random.permutation(count)[:size]] = True
    return held_out


def in_chunks(function: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """Apply a function of rows to chunks of `CHUNK` rows; the result is in float64.

    The last chunk is filled up with its last row, so that one compiled program serves every number of rows and a row's
    result does not depend on which rows come with it.

    Args:
        function: from arrays of `CHUNK` rows to an array of as many.
        arrays: of equal length, at least 1.
    """
    count, found = len(arrays[0]), []
    for start in range(0, count, CHUNK):
        parts = [array[start : start + CHUNK] for array in arrays]
        missing = CHUNK - len(parts[0])
        filled = [np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) for part in parts]
        found.append(np.asarray(function(*filled), np.float64)[: CHUNK - missing])
    return np.concatenate(found)
