"""The Laplace law."""

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..numerics import densities
from ..numerics.elementary import standardise
from .closed_form import ClosedForm
from .parameters import location_scale

REACH = 7 / 8
"""A standardised number is held at the largest float to this power: 2^112 in float32."""


class Laplace(ClosedForm):
    """Independent Laplace laws: log p(x) = -sum(|z| + log(2 scale)), z = (x - loc) / scale.

    The trainable parameters are `loc` and `log_scale`, as in `Normal`.

    Args:
        loc: mean and median.
        scale: mean absolute deviation, positive. The two broadcast to the shape of one event, of any rank.

    Raises:
        ShapeError: if the shapes do not broadcast.
        ConfigError: if a parameter is not finite or a scale not positive.

    Gradients: finite for every finite x, zero at the kink x = loc, and zero beyond 2^112 scales (float32).
    Accuracy: float32, an error of (2 + |log p|) * (2 + |log scale|) * 5e-7
        (tests/distributions/test_laplace.py::test_log_prob_matches_scipy).
    """

    loc: Array
    log_scale: Array

    def __init__(self, loc: ArrayLike, scale: ArrayLike) -> None:
        self.loc, self.log_scale = location_scale("Laplace", loc, scale)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event: the parameters'."""
        return self.loc.shape

    @property
    def scale(self) -> Array:
        """Mean absolute deviation, shape `event_shape`."""
        return jnp.exp(self.log_scale)

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        del context
        z = standardise(x, self.loc, self.log_scale, reach=REACH)
        return jnp.sum(densities.laplace(z) - self.log_scale)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        del context
        z = jr.laplace(key, self.loc.shape, self.loc.dtype)
        return self.loc + self.scale * z, jnp.sum(densities.laplace(z) - self.log_scale)

    def mean(self) -> Array:
        """The location."""
        return self.loc

    def variance(self) -> Array:
        """2 scale^2."""
        return 2.0 * jnp.square(self.scale)
