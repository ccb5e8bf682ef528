"""A law under audit: its rows, and everything about them that several checks share."""

import functools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray

from ...distributions.base import Distribution
from ...distributions.flow import Flow
from ...distributions.logistic import StandardLogistic
from ...distributions.normal import StandardNormal
from ...errors import ShapeError
from ..surrogate import generator

ROWS = 4096
"""At most so many rows are looked at, and so many training rows' likelihoods."""

TRAINING = 20_480
"""At most so many training rows are searched for neighbours."""


class NotApplicable(Exception):
    """Raised by a check that does not apply to a law; says why."""


class Subject:
    """A law, rows of its table and draws from it.

    Args:
        law: the law.
        rows: shape (n, *event_shape), finite; rows that it was not fitted to tell more.
        training: rows that it was fitted to, if known.
        key: for draws and subsampling.
        columns: names of the elements of an event, taken flat.
        context: conditions of the rows, shape (n, *context_shape), if the law takes any.
        training_context: conditions of the training rows.
    """

    def __init__(
        self,
        law: Distribution,
        rows: ArrayLike,
        key: PRNGKeyArray,
        training: ArrayLike | None = None,
        columns: Sequence[str] | None = None,
        context: ArrayLike | None = None,
        training_context: ArrayLike | None = None,
    ) -> None:
        self.law, self.key, self.notes = law, key, []
        self.random = generator(jr.fold_in(key, 0))
        values, conditions = _checked(law, "rows", rows, context)
        self.rows, self.context = self._some("rows", values, conditions, ROWS)
        self.size = self.rows[0].size
        self.columns = [f"c{i + 1}" for i in range(self.size)] if columns is None else list(columns)
        if len(self.columns) != self.size:
            raise ShapeError(f"audit: expected {self.size} names of columns, got {len(self.columns)}.")
        self.training = self.training_context = None
        if training is not None:
            known, known_context = _checked(law, "training", training, training_context)
            self.training, self.training_context = self._some("training rows", known, known_context, TRAINING)

    @property
    def flow(self) -> Flow:
        """The law as a `Flow`; raises NotApplicable if it is none."""
        flow = getattr(self.law, "flow", self.law)
        if not isinstance(flow, Flow):
            raise NotApplicable(f"{type(self.law).__name__} has no map to a base law.")
        return flow

    @functools.cached_property
    def flat(self) -> np.ndarray:
        """The rows as vectors, shape (n, size)."""
        return self.rows.reshape(len(self.rows), -1)

    @functools.cached_property
    def scale(self) -> np.ndarray:
        """The standard deviation of every column, or 1 where it is 0."""
        spread = self.flat.std(axis=0)
        return np.where(spread > 0, spread, 1.0)

    @functools.cached_property
    def log_prob(self) -> np.ndarray:
        """Log-densities of the rows in float64."""
        return np.asarray(self.law.log_prob(self.rows, self.context), np.float64)

    @functools.cached_property
    def training_log_prob(self) -> np.ndarray:
        """Log-densities of at most `ROWS` training rows."""
        rows, context = self.known()
        return np.asarray(self.law.log_prob(rows[:ROWS], _first(context, ROWS)), np.float64)

    def known(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the training rows, in random order, and their contexts; raises NotApplicable if there are none."""
        if self.training is None:
            raise NotApplicable("the training rows are not known.")
        return self.training, self.training_context

    @functools.cached_property
    def base_points(self) -> np.ndarray:
        """The rows' base points, shape (n, base size)."""
        points = np.asarray(self.flow.to_base(self.rows, self.context), np.float64)
        return points.reshape(len(points), -1)

    @functools.cached_property
    def heights(self) -> np.ndarray:
        """The base law's distribution function at the base points, element by element, in [0, 1]."""
        base = self.flow.base
        if isinstance(base, StandardNormal):
            return np.asarray(jax.scipy.special.ndtr(self.base_points), np.float64)
        if isinstance(base, StandardLogistic):
            return 0.5 + 0.5 * np.tanh(self.base_points / 2)
        raise NotApplicable(f"the base law is {type(base).__name__}, not independent normals or logistics.")

    @functools.cached_property
    def _draws(self) -> tuple[np.ndarray, np.ndarray]:
        key = jr.fold_in(self.key, 1)
        if self.context is None:
            x, log_prob = self.law.sample_and_log_prob(key, (len(self.rows),))
        else:
            x, log_prob = (part[0] for part in self.law.sample_and_log_prob(key, (1,), self.context))
        return np.asarray(x, np.float64), np.asarray(log_prob, np.float64)

    @property
    def draws(self) -> np.ndarray:
        """As many draws as rows, each with the context of its row."""
        return self._draws[0]

    @property
    def draws_log_prob(self) -> np.ndarray:
        """The log-densities that came with the draws."""
        return self._draws[1]

    def _some(
        self, what: str, rows: np.ndarray, context: np.ndarray | None, most: int
    ) -> tuple[np.ndarray, np.ndarray | None]:
        order = self.random.permutation(len(rows))[:most]
        if len(order) < len(rows):
            self.notes.append(f"{most:,} of {len(rows):,} {what} were looked at, chosen by the key.")
        return rows[order], None if context is None else context[order]


def doubled(module: Any) -> Any:
    """Return a module with its floats in float64; call within `jax.enable_x64(True)`."""
    return jax.tree.map(
        lambda leaf: jnp.asarray(np.asarray(leaf, np.float64)) if eqx.is_inexact_array(leaf) else leaf, module
    )


def _first(context: np.ndarray | None, count: int) -> np.ndarray | None:
    return None if context is None else context[:count]


def _checked(
    law: Distribution, what: str, rows: ArrayLike, context: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray | None]:
    values = np.asarray(rows, np.float64)
    if values.shape[1:] != law.event_shape or values.ndim != len(law.event_shape) + 1 or len(values) < 2:
        raise ShapeError(
            f"audit: expected {what} of shape (n, *{law.event_shape}) with n >= 2, got shape {values.shape}."
        )
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise ShapeError(f"audit: expected finite {what}, got {bad} values that are not.")
    if (law.context_shape is None) != (context is None):
        raise ShapeError(
            f"audit: the law takes contexts of shape {law.context_shape}, got "
            f"{'none' if context is None else np.shape(context)} for the {what}."
        )
    if context is None or law.context_shape is None:
        return values, None
    return values, np.broadcast_to(np.asarray(context), (len(values), *law.context_shape))
