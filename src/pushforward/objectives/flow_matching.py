"""Flow matching: a continuous flow learns its velocity by regression, without solving any equation."""

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

from ..bijectors.base import Bijector
from ..bijectors.compose import Chain
from ..bijectors.continuous import Continuous
from ..distributions.base import Distribution
from ..distributions.flow import Flow
from ..errors import ConfigError
from ..numerics.batching import in_pieces
from .base import weighted_mean

_DRAWS = 8
"""Times and base points for each row in validation."""
_GOLDEN = 2654435769
"""2^32 times the golden ratio's fractional part: its multiples spread evenly over the circle of 2^32 numbers."""


def flow_matching(
    flow: Distribution,
    x: Array,
    context: Array | None,
    weights: Array,
    key: PRNGKeyArray | None = None,
    *,
    sigma: float = 0.0,
) -> Array:
    """The weighted mean of |v(t, x_t, context) - (x - (1 - sigma) z)|^2, x_t = (1 - (1 - sigma) t) z + t x.

    z is a draw of the base, t even in [0, 1], and v the velocity of the flow's `Continuous` layer. The minimum is
    reached where v is the mean of the straight paths' velocities through x_t; its solutions then carry the base to the
    data (exactly for sigma = 0). A step costs one pass of the network, where one of the likelihood solves an equation.
    What is trained is the same flow, with the same density.

    Base and other layers get no gradient: they could only lower the loss by making it easy. Another sigma:
    `functools.partial(flow_matching, sigma=1e-4)`.

    Args:
        flow: a `Flow` whose bijector is a `Continuous`, or a `Chain` that begins with it; the others, preprocessing,
            are inverted first.
        x: events, shape (batch, *event_shape).
        context: conditions, shape (batch, *context_shape), or None if the law takes none.
        weights: shape (batch,), not negative; rows of weight 0 are padding.
        key: draws a base point for each row and the shift of the times, which are spread evenly over the batch.
            Without a key, in validation, 8 times and base points for each row come from a fixed shift and a fixed key.
        sigma: standard deviation that the base shrinks to round each event, 0 to 1.

    Returns:
        A scalar, in squared units of the layer's output and not in nats; 0 if all weights are 0.

    Raises:
        ConfigError: if sigma is not in [0, 1), or the flow is of another kind.

    Reference: Lipman et al. 2023, Flow Matching for Generative Modeling, arXiv:2210.02747, eq. 20-23.
    """
    if not 0 <= sigma < 1:
        raise ConfigError(f"flow_matching: expected sigma in [0, 1), got {sigma}.")
    flow, layer, others = _taken_apart(flow)
    draws = _DRAWS if key is None else 1
    times, keys = _times_and_keys(key, x.shape[0], draws, x)

    def loss(row: Array, condition: Array | None, row_times: Array, row_keys: PRNGKeyArray) -> Array:
        for part in reversed(others):
            row = part.inverse(row, _told(part, condition))
        end = jax.lax.stop_gradient(row)

        def at(t: Array, draw: PRNGKeyArray) -> Array:
            start = jax.lax.stop_gradient(flow.base._sample(draw, _told(flow.base, condition)))
            here = (1 - (1 - sigma) * t) * start + t * end
            velocity = layer.velocity(t, here, _told(layer, condition))
            return jnp.sum(jnp.square(velocity - (end - (1 - sigma) * start)))

        return jnp.mean(jax.vmap(at)(row_times, row_keys))

    losses = in_pieces(loss, x, context, times, keys)
    return weighted_mean(losses, weights)


def _times_and_keys(
    key: PRNGKeyArray | None, rows: int, draws: int, like: Array
) -> tuple[Array, PRNGKeyArray]:
    """Return times in [0, 1) and keys, shape (rows, draws) both; the times' gaps are nearly equal."""
    count = rows * draws
    shift, of_base = jr.split(jr.key(0) if key is None else key)
    first = jnp.uint32(2**31) if key is None else jr.bits(shift, dtype=jnp.uint32)
    # Whole numbers wrap round without an error; their first 23 bits are exact in every float type.
    places = (first + jnp.uint32(_GOLDEN) * jnp.arange(count, dtype=jnp.uint32)) >> 9
    times = places.astype(like.dtype) / 2**23
    return times.reshape(rows, draws), jr.split(of_base, (rows, draws))


def _taken_apart(flow: Distribution) -> tuple[Flow, Continuous, list[Bijector]]:
    """Return the flow, its continuous layer and the parts on its data side, or raise."""
    bijector = flow.bijector if isinstance(flow, Flow) else flow
    parts = list(bijector) if isinstance(bijector, Chain) else [bijector]
    if not isinstance(flow, Flow) or not isinstance(parts[0], Continuous):
        raise ConfigError(
            "flow_matching: expected a Flow whose bijector is a Continuous, or a Chain that begins with one, got "
            f"{type(parts[0]).__name__}. ffjord builds one with layers=1."
        )
    return flow, parts[0], [part for part in parts[1:] if isinstance(part, Bijector)]


def _told(part: Distribution | Bijector, context: Array | None) -> Array | None:
    return None if part.context_shape is None else context
