"""Layers that bring every feature to a common scale: BatchNorm by statistics, ActNorm by trained numbers."""

import math
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PRNGKeyArray, PyTree

from ..errors import ConfigError, ShapeError
from .base import BATCH_AXIS, Bijector, Cheap, as_float
from .frozen import Frozen

_ROUNDING = 2
"""A deviation of at most so many units in the mean's last place is that of a constant."""


class BatchNorm(Bijector):
    """Batch normalisation: towards the base x = (y - mean) / sqrt(variance + eps) * exp(log_scale) + shift.

    Forward is the exact inverse, y = (x - shift) * exp(-log_scale) * sqrt(variance + eps) + mean. There are a mean and
    a variance for every channel, the last axis of the event: for vectors every feature, for images every colour.

    Without a key these are the stored ones, a constant of the layer: rows do not depend on each other, and both
    directions are exact inverses. `pushforward.fit` stores those of the training rows, and so does
    `pushforward.settle`. With a key, that is in training, the inverse takes them from the batch instead, and gradients
    flow through them; the batch is what `jax.vmap` maps along the axis `BATCH_AXIS`. Every row counts once in it,
    whatever its weight in the loss. Forward, a key has no meaning: a batch of base points says nothing of the data.

    Args:
        shape: shape of the event.
        mean: the stored mean, zeros if left out.
        variance: the stored variance, at least 0, ones if left out. Both have the shape of a channel, shape[-1:].
        eps: added to the variance. A constant channel becomes `shift`, with a log-determinant that is finite.

    Raises:
        ShapeError: if mean or variance have another shape.
        ConfigError: if eps is not positive.

    Reference: Papamakarios et al. 2017, Masked Autoregressive Flow, arXiv:1705.07057, appendix B (after
        Ioffe and Szegedy 2015, arXiv:1502.03167, and Dinh et al. 2016, arXiv:1605.08803, section 3.7).
    """

    log_scale: Array
    shift: Array
    mean: Frozen
    variance: Frozen
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)
    eps: float = eqx.field(static=True)

    def __init__(
        self,
        shape: Sequence[int],
        mean: ArrayLike | None = None,
        variance: ArrayLike | None = None,
        *,
        eps: float = 1e-5,
    ) -> None:
        if not 0 < eps < math.inf:
            raise ConfigError(f"BatchNorm: expected eps to be a positive number, got {eps!r}.")
        self.in_shape = tuple(shape)
        channels = self.in_shape[-1:]
        self.log_scale, self.shift = jnp.zeros(channels), jnp.zeros(channels)
        self.mean = Frozen(_channels("mean", mean, jnp.zeros(channels)))
        self.variance = Frozen(_channels("variance", variance, jnp.ones(channels)))
        self.context_shape = None
        self.cheap = "both"
        self.eps = eps

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Undo the normalisation by the stored statistics; see `Bijector`."""
        del context, key
        mean, variance = self.mean.value, self.variance.value
        y = (x - self.shift) * (jnp.exp(-self.log_scale) * jnp.sqrt(variance + self.eps)) + mean
        return y, -self._log_det(variance)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Normalise, with a key by the statistics of the batch; see `Bijector`.

        Raises:
            ConfigError: if there is a key but no batch along `BATCH_AXIS`.
        """
        del context
        mean, variance = (self.mean.value, self.variance.value) if key is None else _of_batch(y)
        x = (y - mean) * (jnp.exp(self.log_scale) / jnp.sqrt(variance + self.eps)) + self.shift
        return x, self._log_det(variance)

    def learned(self, mean: Array, variance: Array, *, forward: bool) -> "BatchNorm":
        """Return the layer with the statistics of values that enter it in one direction.

        Raises:
            ConfigError: if that is forward, the direction in which it does not normalise.
        """
        if forward:
            raise ConfigError(
                "BatchNorm: it normalises values on their way to the base in its inverse, but stands inside an Invert. "
                "Put it outside, or in a second Invert."
            )
        same = self.mean.content.dtype
        return eqx.tree_at(_statistics, self, (mean.astype(same), variance.astype(same)))

    def _log_det(self, variance: Array) -> Array:
        """Of the inverse: every position of an image has the same."""
        positions = math.prod(self.in_shape[:-1])
        return positions * jnp.sum(self.log_scale - 0.5 * jnp.log(variance + self.eps))


class ActNorm(Bijector):
    """y = x * exp(log_scale) + shift, a trained scale and shift for every channel, the last axis of the event.

    It is the identity until it is trained, or until `pushforward.initialize` makes a first batch of data leave it, on
    the side of the base, with mean zero and variance one in every channel. What that sets are ordinary parameters, so
    a flow that was saved and loaded is initialised as it was.

    Args:
        shape: shape of the event.

    Reference: Kingma and Dhariwal 2018, Glow, arXiv:1807.03039, section 3.1 and table 1.
    """

    log_scale: Array
    shift: Array
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(self, shape: Sequence[int]) -> None:
        self.in_shape = tuple(shape)
        self.log_scale, self.shift = jnp.zeros(self.in_shape[-1:]), jnp.zeros(self.in_shape[-1:])
        self.context_shape = None
        self.cheap = "both"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Scale and shift; see `Bijector`."""
        del context, key
        return x * jnp.exp(self.log_scale) + self.shift, self._log_det()

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Shift back and unscale; see `Bijector`."""
        del context, key
        return (y - self.shift) * jnp.exp(-self.log_scale), -self._log_det()

    def learned(self, mean: Array, variance: Array, *, forward: bool) -> "ActNorm":
        """Return the layer that gives values of this mean and variance, entering it in one direction, those of 0 and 1.

        A constant channel, whose variance is 0 or rounding, is centred and not stretched.
        """
        deviation = jnp.sqrt(variance)
        constant = deviation <= _ROUNDING * jnp.finfo(deviation.dtype).eps * jnp.abs(mean)
        log_scale = jnp.log(jnp.where(constant, 1, deviation))
        if forward:
            log_scale, shift = -log_scale, -mean * jnp.exp(-log_scale)
        else:
            shift = mean
        same = self.shift.dtype
        return eqx.tree_at(
            lambda layer: (layer.log_scale, layer.shift), self, (log_scale.astype(same), shift.astype(same))
        )

    def _log_det(self) -> Array:
        return math.prod(self.in_shape[:-1]) * jnp.sum(self.log_scale)


def statistics(tree: PyTree) -> PyTree[bool]:
    """Return a filter for `equinox.partition`: True at the stored statistics of every `BatchNorm`."""

    def mark(node: PyTree) -> PyTree[bool]:
        if not isinstance(node, BatchNorm):
            return False
        nothing = jax.tree.map(lambda leaf: False, node)
        return eqx.tree_at(_statistics, nothing, (True, True))

    return jax.tree.map(mark, tree, is_leaf=lambda node: isinstance(node, BatchNorm))


def _statistics(layer: BatchNorm) -> tuple[Array, Array]:
    return layer.mean.content, layer.variance.content


def _of_batch(y: Array) -> tuple[Array, Array]:
    """Return mean and variance of every channel over the batch that `jax.vmap` maps along `BATCH_AXIS`."""
    inner = tuple(range(y.ndim - 1))

    def average(values: Array) -> Array:
        return jax.lax.pmean(jnp.mean(values, axis=inner), BATCH_AXIS)

    try:
        mean = average(y)
    except NameError as error:
        raise ConfigError(
            "BatchNorm.inverse_and_log_det: with a key it takes the statistics of a training batch, and there is none. "
            "Map the batch by jax.vmap(..., axis_name=pushforward.bijectors.BATCH_AXIS), or leave out the key."
        ) from error
    # Centred before it is squared: the difference of E[y^2] and E[y]^2 would lose all digits far from zero.
    return mean, average((y - mean) ** 2)


def _channels(name: str, given: ArrayLike | None, default: Array) -> Array:
    if given is None:
        return default
    array = as_float(given, "BatchNorm")
    if array.shape != default.shape:
        raise ShapeError(f"BatchNorm: expected {name} of shape {default.shape}, got shape {array.shape}.")
    return array
