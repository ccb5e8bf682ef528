"""The contract of every objective."""

from typing import Protocol

import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from ..distributions.base import Distribution


class Objective(Protocol):
    """A scalar loss of a batch, in nats; `pushforward.fit` minimises it.

    It must be a mean over rows, weighted by `weights`: rows of weight 0 are padding and must not count, and
    neither the value nor its gradient may become NaN when all weights are 0. With a key it maps the rows by `jax.vmap`
    with the axis name `bijectors.BATCH_AXIS`, if `BatchNorm` is to take statistics of the batch.
    """

    def __call__(
        self, flow: Distribution, x: Array, context: Array | None, weights: Array, key: PRNGKeyArray | None
    ) -> Array:
        """Return the loss.

        Args:
            flow: the law being trained.
            x: events, shape (batch, *event_shape).
            context: conditions, shape (batch, *context_shape), or None if the law takes none.
            weights: shape (batch,), not negative.
            key: randomness of this step; None in validation, where the loss must be deterministic.

        Returns:
            A scalar in nats.
        """
        ...


def weighted_mean(values: Array, weights: Array) -> Array:
    """Return sum_i w_i v_i / sum_i w_i, for the losses of a batch.

    Args:
        values: one for each row, shape (batch,); those of weight 0 may be infinite.
        weights: shape (batch,), not negative.

    Returns:
        A scalar; 0 if all weights are 0.
    """
    total = jnp.sum(weights)
    # The mask keeps 0 * inf out. A batch of padding alone sums to 0 / 1, not to 0 / 0.
    return jnp.sum(jnp.where(weights > 0, weights * values, 0)) / jnp.where(total > 0, total, 1)
