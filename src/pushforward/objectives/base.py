"""The contract of every objective."""

from typing import Protocol, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from ..distributions.base import Distribution


class Objective(Protocol):
    """A scalar loss of a batch, in nats; `pushforward.fit` minimises it.

    It must be a mean over rows, weighted by `weights`: rows of weight 0 are padding and must not count, and
    neither the value nor its gradient may become NaN when all weights are 0. With a key it maps the rows by `jax.vmap`
    with the axis name `bijectors.BATCH_AXIS`, if `BatchNorm` is to take statistics of the batch.

    One whose rows do not depend on each other may also have the method of `RowObjective`; then devices that share a
    batch work on their rows alone until the end of a step, which is faster.
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


@runtime_checkable
class RowObjective(Protocol):
    """An objective that is also known row by row: the loss is the weighted mean of these losses."""

    def row_losses(
        self,
        flow: Distribution,
        x: Array,
        context: Array | None,
        key: PRNGKeyArray,
        *,
        rows: Array,
        size: int,
    ) -> Array:
        """Return the losses of some rows of a batch of `size` rows, which have the numbers `rows` in it.

        Args:
            flow: the law being trained.
            x: events, shape (n, *event_shape).
            context: conditions, shape (n, *context_shape), or None if the law takes none.
            key: randomness of this step, of the whole batch; what a row draws depends on its number.
            rows: numbers from 0 to size - 1, shape (n,).
            size: rows of the batch.

        Returns:
            Shape (n,).
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
    # A batch of padding alone sums to 0 / 1, not to 0 / 0.
    return weighted_sum(values, weights) / jnp.where(total > 0, total, 1)


def weighted_sum(values: Array, weights: Array) -> Array:
    """Return sum_i w_i v_i; see `weighted_mean`."""
    # The mask keeps 0 * inf out.
    return jnp.sum(jnp.where(weights > 0, weights * values, 0))
