"""The uniform law on a box."""

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..bijectors.frozen import Frozen
from ..numerics.densities import LOG_2
from .closed_form import ClosedForm
from .parameters import check_below, event_parameters


class Uniform(ClosedForm):
    """The uniform law on a closed box: log p(x) = -sum(log(high - low)) inside, -inf outside.

    The bounds are fixed, not trained: the likelihood grows without limit as a box shrinks onto its data.
    Under a `Flow` the last map on the way to the base must end in the box (a sigmoid, say), or the loss is
    infinite.

    Args:
        low: lower bounds.
        high: upper bounds. The two broadcast to the shape of one event, of any rank.

    Raises:
        ShapeError: if the shapes do not broadcast.
        ConfigError: if a bound is not finite, or low is not below high.

    Gradients: zero for every x, inside and outside.
    """

    bounds: Frozen

    def __init__(self, low: ArrayLike, high: ArrayLike) -> None:
        low, high = event_parameters("Uniform", low=low, high=high)
        check_below("Uniform", low, high)
        self.bounds = Frozen((low, high))

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event: the bounds'."""
        return self.low.shape

    @property
    def low(self) -> Array:
        """Lower bounds, shape `event_shape`."""
        return self.bounds.value[0]

    @property
    def high(self) -> Array:
        """Upper bounds, shape `event_shape`."""
        return self.bounds.value[1]

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        del context
        inside = jnp.all((x >= self.low) & (x <= self.high))
        log_prob = jnp.where(inside, self._log_density(), -jnp.inf)
        return jnp.where(jnp.any(jnp.isnan(x)), jnp.nan, log_prob)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        del context
        u = jr.uniform(key, self.low.shape, self.low.dtype)
        # Not low + (high - low) * u: the width of a box may overflow, and the clip keeps rounding inside.
        x = jnp.clip(self.low * (1.0 - u) + self.high * u, self.low, self.high)
        return x, self._log_density()

    def mean(self) -> Array:
        """The centre of the box."""
        return 0.5 * self.low + 0.5 * self.high

    def variance(self) -> Array:
        """(high - low)^2 / 12."""
        return jnp.square(self.high - self.low) / 12.0

    def _log_density(self) -> Array:
        # low < high by construction; halves, because the width itself may overflow.
        return -jnp.sum(jnp.log(0.5 * self.high - 0.5 * self.low) + LOG_2)
