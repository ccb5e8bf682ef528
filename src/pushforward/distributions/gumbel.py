"""The Gumbel law, of the largest of many numbers."""

import math

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..numerics import densities
from ..numerics.elementary import standardise
from .closed_form import ClosedForm
from .parameters import location_scale

REACH = 7 / 8
"""A standardised number is held at the largest float to this power: 2^112 in float32."""

_EULER = 0.5772156649015329


class Gumbel(ClosedForm):
    """Independent Gumbel laws: log p(x) = -sum(z + exp(-z) + log scale), z = (x - loc) / scale.

    It is the law of loc - scale * log(-log u), u uniform on (0, 1), of which only the formula above is exact in both
    tails. The trainable parameters are `loc` and `log_scale`, as in `Normal`.

    Args:
        loc: the mode.
        scale: positive. The two broadcast to the shape of one event, of any rank.

    Raises:
        ShapeError: if the shapes do not broadcast.
        ConfigError: if a parameter is not finite or a scale not positive.

    Gradients: finite for every finite x; zero beyond 77 scales below the mode (float32), where the log-density keeps
        its value of -3e33, and beyond 2^112 above it.
    Accuracy: tests/distributions/test_named.py::test_log_prob_matches_scipy.
    """

    loc: Array
    log_scale: Array

    def __init__(self, loc: ArrayLike, scale: ArrayLike) -> None:
        self.loc, self.log_scale = location_scale("Gumbel", loc, scale)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event: the parameters'."""
        return self.loc.shape

    @property
    def scale(self) -> Array:
        """Scale, shape `event_shape`."""
        return jnp.exp(self.log_scale)

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        del context
        z = standardise(x, self.loc, self.log_scale, reach=REACH)
        return jnp.sum(densities.gumbel(z) - self.log_scale)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        del context
        z = jr.gumbel(key, self.loc.shape, self.loc.dtype)
        return self.loc + self.scale * z, jnp.sum(densities.gumbel(z) - self.log_scale)

    def mean(self) -> Array:
        """Loc + scale * Euler's constant."""
        return self.loc + _EULER * self.scale

    def variance(self) -> Array:
        """(pi scale)^2 / 6."""
        return jnp.square(math.pi * self.scale) / 6.0
