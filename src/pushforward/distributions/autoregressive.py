"""A law whose elements follow one after the other, each given those before it."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, PRNGKeyArray

from ..bijectors.autoregressive import SequentialNet
from ..errors import ConfigError
from ..numerics.batching import batch_last
from .conditional.base import ConditionalLaw
from .keyed import Keyed


class AutoregressiveLaw(Keyed):
    """log p(x | context) = sum_i log p(x_i | x_1 ... x_(i-1), context): a conditional law, its parameters from a net.

    A log-density is one pass of the net. A draw takes `features` short turns, which together cost about the arithmetic
    of one pass, and is exact. Where the conditional law is continuous, draws are differentiable (reparametrised).

    Over whole numbers `log_prob` is a log-PROBABILITY, not a log-density: it is never above 0, its exponentials sum to
    one over all events, and it is -inf at events with an element that is none of the values. It must not be compared
    with log-densities of the same data.

    Args:
        law: the conditional law of an element.
        net: the conditioner, such as `MADE`, with as many parameters for each element as the law takes.
        context_shape: shape of the context that the net takes, or None.

    Raises:
        ConfigError: if the net gives another number of parameters than the law takes.

    Gradients: as the conditional law's; NaN in x stays NaN.
    Reference: Germain et al. 2015, MADE, arXiv:1502.03509, eq. 3-5 (Bernoulli); Papamakarios et al. 2017, MAF,
        arXiv:1705.07057, sections 3.1 and 4.1 (normal, mixture of normals).
    """

    law: ConditionalLaw
    net: SequentialNet
    event_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: tuple[int, ...] | None = eqx.field(static=True)

    def __init__(
        self, law: ConditionalLaw, net: SequentialNet, context_shape: tuple[int, ...] | None = None
    ) -> None:
        if net.num_params != law.num_params:
            raise ConfigError(
                f"AutoregressiveLaw: expected a net with {law.num_params} parameters for each element, as "
                f"{type(law).__name__} takes, got {net.num_params}. Build the net with num_params={law.num_params}."
            )
        self.law = law
        self.net = net
        self.event_shape = (net.features,)
        self.context_shape = context_shape

    def _log_prob(self, x: Array, context: Array | None, key: PRNGKeyArray | None = None) -> Array:
        params = self.net(self.law.seen(x), context, key=key)
        return jnp.sum(_log_probs(params, x, law=self.law))

    def _for_step(self, key: PRNGKeyArray) -> "AutoregressiveLaw":
        del key
        return self

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        noise = self.law.noise(key, self.event_shape, net_dtype(self.net))
        return self._from_noise(noise, context)

    def _from_noise(self, noise: Array, context: Array | None) -> tuple[Array, Array]:
        """Return the draw that random numbers of shape (features, k) make, and its log-density."""
        leaves, structure = jax.tree.flatten((self.law, self.net))
        x, log_probs = _in_turn(
            noise,
            noise[:0, 0] if context is None else context.reshape(-1),
            *leaves,
            structure=structure,
            told=context is not None,
        )
        return x, jnp.sum(log_probs)


def net_dtype(net: SequentialNet) -> DTypeLike:
    """Return the float type of a net's weights."""
    return jnp.result_type(*[leaf for leaf in jax.tree.leaves(net) if eqx.is_inexact_array(leaf)])


def _log_prob_of_each(params: Array, x: Array, *, law: ConditionalLaw) -> Array:
    """Shapes (num_params, n, *batch) and (n, *batch), where a batch of 1 serves any."""
    return jnp.broadcast_to(law.log_prob(params, x), jnp.broadcast_shapes(params.shape[1:], x.shape))


_log_probs = batch_last(_log_prob_of_each, carried=(0, 1))


def _draw(noise: Array, context: Array, *leaves: Array, structure: Any, told: bool) -> tuple[Array, Array]:
    law, net = jax.tree.unflatten(structure, leaves)
    batch = jnp.broadcast_shapes(noise.shape[2:], context.shape[1:])
    size = math.prod(batch)
    targets = jnp.broadcast_to(noise, (*noise.shape[:2], *batch)).reshape(*noise.shape[:2], size)
    conditions = jnp.broadcast_to(context, (context.shape[0], *batch)).reshape(context.shape[0], size)

    def find(params: Array, goal: Array) -> tuple[Array, tuple[Array, Array]]:
        x = law.draw(params, goal)
        return law.seen(x), (x, law.log_prob(params, x))

    _, drawn = net.in_turn(find, targets, conditions if told else None)
    return tuple(numbers.reshape(noise.shape[0], *batch) for numbers in drawn)


_in_turn = batch_last(_draw, carried=(0, 1))
