"""A law under examination: its points, parameters and draws, and compiled functions that checks share."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray

from ..distributions.base import Distribution
from ..errors import ConfigError
from .points import to_rows
from .programs import compiled
from .subject import perturbed, precision, split

ROWS = 4096
"""Rows of every compiled call; batches are filled up to it."""

Support = tuple[ArrayLike, ArrayLike]
Reference = Callable[[np.ndarray], ArrayLike]


class Draws(NamedTuple):
    """Draws in float64, with the log-densities that came with them.

    Attributes:
        x: shape (n, *event_shape).
        log_prob: shape (n,).
    """

    x: np.ndarray
    log_prob: np.ndarray


class LawSubject:
    """A law, the author's claims about it, and everything about it that is computed once.

    Args:
        law: the object.
        x: events in its support, shape (n, *event_shape).
        key: for draws and perturbation.
        context: contexts, shape (n, *context_shape) or context_shape; required if the law takes one.
            Densities and draws are examined under the first.
        support: two ends, of numbers or of shape event_shape, of the box in which the density is positive;
            None for all real numbers.
        values: how many values each element has, from 0, for a law over whole numbers; None for a density.
        reference: the true log-density, a function of float64 events (n, *event_shape).
        perturbation: standard deviation of the noise added to every trainable parameter.

    Raises:
        ConfigError: if the points or the context do not fit the law.
    """

    def __init__(
        self,
        law: Distribution,
        x: ArrayLike,
        key: PRNGKeyArray,
        *,
        context: ArrayLike | None = None,
        support: Support | None = None,
        values: int | None = None,
        reference: Reference | None = None,
        perturbation: float = 0.0,
    ) -> None:
        self.original = law
        self.key = key
        self.reference = reference
        self.values = values
        support = support if values is None else (0, values - 1)
        self._made: dict[str, Any] = {}
        random = np.random.default_rng(np.asarray(jax.random.key_data(key)).reshape(-1))
        self.parameters, self.static = split(law)
        self.parameters = perturbed(law, self.parameters, random, perturbation)
        self.x = np.asarray(x, np.float32)
        if self.x.ndim == 0 or self.x.shape[1:] != law.event_shape or not len(self.x):
            raise ConfigError(
                f"check_flow: expected events of shape (n, *{law.event_shape}) with n > 0, "
                f"got {self.x.shape}."
            )
        self.context = _fitted_context(law, context)
        self.features = int(np.prod(law.event_shape))
        self.support = (
            None
            if support is None
            else tuple(
                np.broadcast_to(np.asarray(end, np.float64), law.event_shape).reshape(-1) for end in support
            )
        )

    @property
    def name(self) -> str:
        """The class and its shape, for messages."""
        recipe = getattr(self.original, "recipe", None)
        text = type(self.original).__name__ if recipe is None else f"{recipe.name} {recipe.arguments}"
        return f"{text} over events {self.original.event_shape}"

    def law(self, dtype: Any = np.float32) -> Distribution:
        """The examined law with its parameters in one dtype. Call within `precision(dtype)`."""
        return eqx.combine(jax.tree.map(jnp.asarray, self.cast(dtype)), self.static)

    def cast(self, dtype: Any) -> Any:
        """The parameters as NumPy arrays of one dtype."""
        return jax.tree.map(lambda leaf: leaf.astype(dtype), self.parameters)

    def contexts(self, rows: int) -> np.ndarray | None:
        """As many contexts as rows; repeated if there are fewer."""
        return None if self.context is None else to_rows(self.context, rows)

    def log_prob(
        self, x: np.ndarray, *, every: np.ndarray | None = None, parameters: Any = None
    ) -> np.ndarray:
        """Log-densities in float64 of any number of events, under the first context or those given."""
        parameters = self.cast(np.float64) if parameters is None else parameters
        found = []
        with precision(np.float64):
            for start in range(0, len(x), ROWS):
                rows = x[start : start + ROWS]
                context = self._rows(every, start, len(rows))
                out = self._log_prob(parameters, to_rows(rows, ROWS).astype(np.float64), context)
                found.append(np.asarray(out)[: len(rows)])
        return np.concatenate(found) if found else np.zeros(0)

    def draw(self, count: int, stream: int) -> Draws:
        """Independent draws in float64, from `sample_and_log_prob` under the first context."""
        xs, log_probs = [], []
        with precision(np.float64):
            for start in range(0, count, ROWS):
                keys = jr.split(jr.fold_in(jr.fold_in(self.key, stream), start), ROWS)
                x, log_prob = self._draws(self.cast(np.float64), keys, self._rows(None, 0, ROWS))
                xs.append(np.asarray(x))
                log_probs.append(np.asarray(log_prob))
        return Draws(np.concatenate(xs)[:count], np.concatenate(log_probs)[:count])

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what `make` gives, made at the first call under this name."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    @functools.cached_property
    def pilot(self) -> Draws:
        """Draws that decide where to look; no test counts them."""
        return self.draw(ROWS, 0)

    @functools.cached_property
    def draws(self) -> Draws:
        """Draws that the tests count."""
        return self.draw(8 * ROWS, 1)

    @functools.cached_property
    def _log_prob(self) -> Callable:
        def apply(parameters: Any, x: jax.Array, context: jax.Array | None) -> jax.Array:
            law = eqx.combine(parameters, self.static)
            return jax.vmap(law._log_prob)(x, context)

        return jax.jit(apply)

    @functools.cached_property
    def _draws(self) -> Callable:
        def apply(parameters: Any, keys: jax.Array, context: jax.Array | None) -> tuple[jax.Array, jax.Array]:
            law = eqx.combine(parameters, self.static)
            return jax.vmap(law._sample_and_log_prob)(keys, context)

        return compiled(apply)

    def _rows(self, every: np.ndarray | None, start: int, count: int) -> np.ndarray | None:
        if self.context is None:
            return None
        chosen = self.context[:1] if every is None else every[start : start + count]
        return to_rows(chosen, ROWS).astype(np.float64)


def _fitted_context(law: Distribution, context: ArrayLike | None) -> np.ndarray | None:
    shape = law.context_shape
    if (shape is None) != (context is None):
        raise ConfigError(
            f"check_flow: the law takes {'no' if shape is None else 'a'} context of shape {shape}, "
            f"got {'none' if context is None else np.shape(context)}."
        )
    if shape is None or context is None:
        return None
    array = np.asarray(context, np.float32)
    array = array[None] if array.shape == shape else array
    if array.shape[1:] != shape or not len(array):
        raise ConfigError(f"check_flow: expected contexts of shape (n, *{shape}), got {array.shape}.")
    return array
