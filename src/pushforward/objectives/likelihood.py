"""Maximum likelihood."""

import jax
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

from ..bijectors.base import BATCH_AXIS
from ..bijectors.norm import BatchNorm
from ..bijectors.settling import holds
from ..distributions.base import Distribution
from ..distributions.keyed import Keyed
from ..numerics.batching import in_pieces
from .base import weighted_mean


def negative_log_likelihood(
    flow: Distribution, x: Array, context: Array | None, weights: Array, key: PRNGKeyArray | None = None
) -> Array:
    """The weighted mean of -log p(x | context): sum_i w_i (-log p(x_i)) / sum_i w_i.

    Args:
        flow: the law being trained.
        x: events, shape (batch, *event_shape).
        context: conditions, shape (batch, *context_shape), or None if the law takes none.
        weights: shape (batch,), not negative; rows of weight 0 are padding.
        key: for what is random inside a `Keyed` law such as a `Flow`: dropout, for which every row gets a key of its
            own, and the masks of an ensemble, of which all rows of the step share those of one member. `BatchNorm`
            takes the statistics of the batch, in which all rows count alike, those of weight 0 too; on a CPU other
            layers can ask for other rows in batches of up to 16384. Without a key the loss is deterministic, and rows
            do not depend on each other.

    Returns:
        A scalar in nats; 0 if all weights are 0.

    Reference: Papamakarios et al. 2021, Normalizing Flows for Probabilistic Modeling and Inference,
        arXiv:1912.02762, sec. 2.3.1.
    """
    return weighted_mean(_losses(flow, x, context, key, x.shape[0], None, BATCH_AXIS), weights)


def negative_log_likelihoods(
    flow: Distribution, x: Array, context: Array | None, key: PRNGKeyArray, *, rows: Array, size: int
) -> Array:
    """-log p(x | context) of some rows of a batch, which has no name here: `BatchNorm` cannot ask for the others.

    Args:
        flow: the law being trained.
        x: events, shape (n, *event_shape).
        context: conditions, shape (n, *context_shape), or None if the law takes none.
        key: that of `negative_log_likelihood` for the whole batch; each row gets the same key of its own.
        rows: their numbers in the batch, shape (n,).
        size: rows of the batch.

    Returns:
        Nats, shape (n,).
    """
    return _losses(flow, x, context, key, size, rows, None)


def _losses(
    flow: Distribution,
    x: Array,
    context: Array | None,
    key: PRNGKeyArray | None,
    size: int,
    rows: Array | None,
    axis: str | None,
) -> Array:
    if not isinstance(flow, Keyed) or key is None:
        return -in_pieces(flow._log_prob, x, context)
    keys = jr.split(key, size)
    drawn = flow._for_step(jr.fold_in(key, size))  # the keys of the rows are numbered from 0 to size - 1
    keys = keys if rows is None else keys[rows]
    if holds(drawn, (BatchNorm,)):
        return -jax.vmap(drawn._log_prob, axis_name=axis)(x, context, keys)
    return -in_pieces(drawn._log_prob, x, context, keys, whole=axis)
