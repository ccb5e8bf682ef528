"""The uniform law on a box."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..errors import ConfigError, ShapeError
from .closed_form import ClosedForm


class Uniform(ClosedForm):
    """The uniform law on a closed box: log p(x) = -sum(log(high - low)) inside, -inf outside.

    The bounds are fixed, not trained: the likelihood grows without limit as a box shrinks onto its data. Under a
    `Flow` the last map on the way to the base must end in the box (a sigmoid, say), or the loss is infinite.

    Args:
        low: lower bounds, plain numbers or NumPy arrays.
        high: upper bounds. The two broadcast to the shape of one event, of any rank.
        event_shape: shape of one event, for bounds that are the same for every element.

    Raises:
        ShapeError: if the shapes do not fit.
        ConfigError: if a bound is not finite, or low is not below high.

    Gradients: zero for every x, inside and outside.
    """

    low: tuple[float, ...] = eqx.field(static=True)
    high: tuple[float, ...] = eqx.field(static=True)
    event_shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, low: ArrayLike, high: ArrayLike, event_shape: Sequence[int] | None = None):
        lows, highs = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
        self.event_shape = _event_shape(lows.shape, highs.shape, event_shape)
        lows, highs = (np.broadcast_to(bound, self.event_shape) for bound in (lows, highs))
        bad = ~(np.isfinite(lows) & np.isfinite(highs) & (lows < highs))
        if np.any(bad):
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ConfigError(
                f"Uniform: expected finite bounds with low < high, got {int(np.sum(bad))} of {bad.size} pairs that "
                f"are not (first at index {index}: low = {lows[index]:g}, high = {highs[index]:g})."
            )
        self.low, self.high = tuple(lows.ravel().tolist()), tuple(highs.ravel().tolist())

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        del context
        low, high = self._bounds(x.dtype)
        inside = jnp.all((x >= low) & (x <= high))
        log_prob = jnp.where(inside, self._log_density(x.dtype), -jnp.inf)
        return jnp.where(jnp.any(jnp.isnan(x)), jnp.nan, log_prob)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        del context
        low, high = self._bounds(float)
        u = jr.uniform(key, self.event_shape)
        # Not low + (high - low) * u: the width of a box may overflow, and this mean of the ends stays inside.
        x = jnp.clip(low * (1.0 - u) + high * u, low, high)
        return x, self._log_density(x.dtype)

    def mean(self) -> Array:
        """The centre of the box."""
        low, high = self._bounds(float)
        return 0.5 * low + 0.5 * high

    def variance(self) -> Array:
        """(high - low)^2 / 12."""
        low, high = self._bounds(float)
        return jnp.square(high - low) / 12.0

    def _bounds(self, dtype: DTypeLike) -> tuple[Array, Array]:
        """Return low and high as arrays of shape `event_shape`."""
        low, high = (jnp.asarray(bound, dtype=dtype) for bound in (self.low, self.high))
        return low.reshape(self.event_shape), high.reshape(self.event_shape)

    def _log_density(self, dtype: DTypeLike) -> Array:
        """Return the log-density inside the box, from widths > 0 taken on the host in float64."""
        log_widths = np.log(np.asarray(self.high) / 2 - np.asarray(self.low) / 2) + np.log(2.0)
        return jnp.asarray(-float(np.sum(log_widths)), dtype=dtype)


def _event_shape(
    low: tuple[int, ...], high: tuple[int, ...], event_shape: Sequence[int] | None
) -> tuple[int, ...]:
    """Return the shape that the bounds broadcast to, which must be the one given, if one is."""
    wanted = None if event_shape is None else tuple(event_shape)
    try:
        shape = np.broadcast_shapes(low, high, wanted or ())
    except ValueError:
        shape = None
    if shape is None or (wanted is not None and shape != wanted):
        target = "each other" if wanted is None else f"the event shape {wanted}"
        raise ShapeError(
            f"Uniform: expected bounds that broadcast to {target}, got low of shape {low}, high of shape {high}."
        )
    return shape
