"""Logistic laws: standard, and with location and scale."""

import math

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..numerics import densities
from ..numerics.elementary import hold, standardise
from .closed_form import ClosedForm
from .parameters import location_scale

REACH = 7 / 8
"""A standardised number is held at the largest float to this power: 2^112 in float32."""


class StandardLogistic(ClosedForm):
    """Independent standard logistics: log p(x) = -sum(softplus(x) + softplus(-x)).

    NICE's base (Dinh et al. 2014, arXiv:1410.8516, section 3.4). Finite for every finite x, -inf at infinity.

    Args:
        event_shape: shape of one event, of any rank.
    """

    event_shape: tuple[int, ...] = eqx.field(static=True, converter=tuple)

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        del context
        return jnp.sum(densities.logistic(hold(x, reach=REACH)))

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        x = jr.logistic(key, self.event_shape)
        return x, self._log_prob(x, context)

    def mean(self) -> Array:
        """Zeros, of shape `event_shape`."""
        return jnp.zeros(self.event_shape)

    def variance(self) -> Array:
        """pi^2 / 3, of shape `event_shape`."""
        return jnp.full(self.event_shape, math.pi**2 / 3)


class Logistic(ClosedForm):
    """Independent logistics: log p(x) = -sum(softplus(z) + softplus(-z) + log scale), z = (x - loc) / scale.

    The trainable parameters are `loc` and `log_scale`, as in `Normal`.

    Args:
        loc: mean and median.
        scale: positive; the standard deviation is pi / sqrt(3) times as large. The two broadcast to the shape
            of one event, of any rank.

    Raises:
        ShapeError: if the shapes do not broadcast.
        ConfigError: if a parameter is not finite or a scale not positive.

    Gradients: finite for every finite x, zero beyond 2^112 scales (float32).
    Accuracy: float32, an error of (2 + |log p|) * (2 + |log scale|) * 5e-7
        (tests/distributions/test_logistic.py::test_log_prob_matches_scipy).
    """

    loc: Array
    log_scale: Array

    def __init__(self, loc: ArrayLike, scale: ArrayLike) -> None:
        self.loc, self.log_scale = location_scale("Logistic", loc, scale)

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
        return jnp.sum(densities.logistic(z) - self.log_scale)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        del context
        z = jr.logistic(key, self.loc.shape, self.loc.dtype)
        return self.loc + self.scale * z, jnp.sum(densities.logistic(z) - self.log_scale)

    def mean(self) -> Array:
        """The location."""
        return self.loc

    def variance(self) -> Array:
        """(pi scale)^2 / 3."""
        return jnp.square(math.pi * self.scale) / 3.0
