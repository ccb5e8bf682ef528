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
from ..tables import fit_table
from .columns import Columns
from .containers import Container

CHUNK = 256
"""Rows of one call. Always as many, the last ones filled up: a row's result has the same bits in any company."""

FLOATS: Any = (np.float64, np.float32)
"""The types of numbers that are kept as they are; all others become the first one."""

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
        found: Any = super().__getstate__()
        state = dict(found)
        if isinstance(state.get("flow_"), Flow):
            state["flow_"] = to_bytes(state["flow_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a state; the bytes of the flow are checked like any model file."""
        if isinstance(state.get("flow_"), bytes):
            state = {**state, "flow_": from_bytes(state["flow_"])}
        super().__setstate__(state)

    def _fit_rows(self, X: Any) -> np.ndarray:
        """Check rows as scikit-learn does and fit to them; return which of them were held out, shape (n,)."""
        self._validate_params()
        rows: Any = validate_data(self, X, dtype=FLOATS, ensure_min_samples=2)
        seed = draw_seed(self.random_state)
        random = np.random.default_rng(seed)
        self.container_ = Container.of(X, rows)
        self.columns_ = Columns.learn(type(self).__name__, rows.astype(np.float64))
        modelled = self.columns_.blur(self.columns_.reduce(rows)[0], random)
        held_out = choose_held_out(np.zeros(len(rows), int), self.validation, random)
        self._fit_flow(modelled, None, held_out, seed)
        return held_out

    def _fit_flow(
        self, rows: np.ndarray, context: np.ndarray | None, held_out: np.ndarray, seed: int
    ) -> None:
        """Call `fit_table` with the parameters: the one place that knows its arguments.

        Args:
            rows: shape (n, k), no column constant or equal to another.
            context: conditions, shape (n, c), none constant; or None.
            held_out: which rows are for validation, shape (n,).
            seed: decides weights and order.
        """
        validation: Any = rows[held_out] if held_out.any() else 0
        if context is not None and held_out.any():
            validation = (validation, context[held_out])
        max_epochs, few = self.max_epochs, len(rows) * self.validation < LEAST_HELD_OUT
        if max_epochs is None and self.max_seconds is None and self.validation and few:
            max_epochs = FEW_ROWS_EPOCHS
        found = fit_table(
            rows[~held_out],
            key=jr.key(seed),
            context=None if context is None else context[~held_out],
            flow=self.flow,
            options=self.options,
            validation=validation,
            batch_size=self.batch_size,
            max_epochs=max_epochs,
            max_seconds=self.max_seconds,
            patience=self.patience,
            progress=bool(self.verbose),
        )
        self.flow_ = found.flow
        self.history_ = found.history
        self.notes_ = found.notes
        self.n_iter_ = max(int(np.ceil(found.history.epoch[-1])), 1) if found.history.epoch else 1

    def _checked(self, X: Any) -> np.ndarray:
        """Return rows for a fitted estimator, in float32 or float64, checked against those of `fit`."""
        check_is_fitted(self)
        rows: Any = validate_data(self, X, dtype=FLOATS, reset=False)
        return rows

    def _log_density(self, X: Any) -> np.ndarray:
        """Return the log-density of every row in nats, -inf where a left-out column holds another value."""
        rows = self._checked(X)
        rows, possible = self.columns_.reduce(rows)
        return np.where(possible, in_chunks(self.flow_.log_prob, rows), -np.inf)


def draw_seed(random_state: Any) -> int:
    """Return a seed from what scikit-learn calls a random state: an int, a RandomState or None."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def choose_held_out(groups: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Return which rows are held out, shape (n,): of every group the share, never all of one.

    Args:
        groups: the number of the group that each row belongs to, shape (n,).
        share: in [0, 1).
        random: decides which.

    Returns:
        Booleans; all False if fewer than `LEAST_HELD_OUT` were held out.
    """
    held_out = np.zeros(len(groups), bool)
    for group in np.unique(groups):
        places = random.permutation(np.flatnonzero(groups == group))
        held_out[places[: min(round(share * len(places)), len(places) - 1)]] = True
    return held_out if held_out.sum() >= LEAST_HELD_OUT else np.zeros(len(groups), bool)


def in_chunks(function: Callable[..., Any], *arrays: np.ndarray, size: int = CHUNK) -> np.ndarray:
    """Apply a function of rows to chunks of one size; the result is in float64.

    The last chunk is filled up with its last row, so that one compiled program serves every number of rows and a row's
    result does not depend on which rows come with it.

    Args:
        function: from arrays of `size` rows to an array of as many.
        arrays: of equal length, at least 1.
        size: rows of a chunk.
    """
    count, found = len(arrays[0]), []
    for start in range(0, count, size):
        parts = [array[start : start + size] for array in arrays]
        missing = size - len(parts[0])
        filled = [np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) for part in parts]
        found.append(np.asarray(function(*filled), np.float64)[: size - missing])
    return np.concatenate(found)
