"""The loss of a batch and its gradient, on one device or on several that share its rows."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PRNGKeyArray, PyTree

from ..bijectors.norm import BatchNorm
from ..bijectors.settling import holds
from ..distributions.base import Distribution
from ..errors import ConfigError
from ..objectives.base import Objective, RowObjective, weighted_sum
from ..objectives.likelihood import negative_log_likelihood, negative_log_likelihoods
from .layout import Layout
from .rows import Rows

_SMALL = 2**15
"""Numbers of an array up to which it crosses between devices together with others, which takes a copy of it."""

_PAYING = range(40_000, 2**20 + 1)
"""Numbers of parameters with which cores gain by sharing a batch: fewer make steps of 1 to 2 ms, of which meeting takes
its part, and each core updates all parameters."""


def cores_pay(params: PyTree, fixed: Distribution, objective: Objective) -> bool:
    """Whether cores that share a batch are faster than the threads of one device.

    Measured on two cores with batches of 128 to 512 rows: with 0.05 to 0.4 million parameters spline flows 1.3 to 1.6
    times as fast, affine flows 1.1 to 1.2; with 8 to 35 thousand 0.8 to 1.1; with 2 to 5 million, alike; with 17
    million, 0.6 times. Where rows depend on each other, sums cross in every layer: a fourth as fast.
    """
    size = sum(leaf.size for leaf in jax.tree.leaves(params))
    return size in _PAYING and _is_by_row(objective) and not holds(fixed, (BatchNorm,))


def _is_by_row(objective: Objective) -> bool:
    return objective is negative_log_likelihood or isinstance(objective, RowObjective)


def loss_and_gradient(
    params: PyTree,
    fixed: Distribution,
    batch: Rows,
    weights: Array,
    key: PRNGKeyArray,
    *,
    objective: Objective,
    size: int,
    layout: Layout | None,
) -> tuple[Array, PyTree]:
    """Return the loss of a batch and its gradient with respect to the parameters.

    Devices that share a batch each take the gradient of their own rows, and the sums cross at the end, once. Where rows
    depend on each other (`BatchNorm`), or may do so (an objective that is neither the likelihood nor a `RowObjective`),
    JAX divides the program of one device, with sums wherever it needs them.

    Args:
        params: the trainable arrays of the flow, None in all other places.
        fixed: the rest of it.
        batch: its rows, of a number that the devices share alike.
        weights: shape (rows,); 0 from row `size` on.
        key: randomness of this step.
        objective: the loss.
        size: how many rows, the first ones, are the batch; the others fill it up.
        layout: the devices; None for one.
    """

    def of_all(params: PyTree) -> Array:
        x, context = jax.tree.map(lambda leaf: leaf[:size], (batch.x, batch.context))
        return objective(eqx.combine(params, fixed), x, context, weights[:size], key)

    if layout is None:
        return jax.value_and_grad(of_all)(params)
    if layout.is_shared and _is_by_row(objective):
        try:
            return _shared(params, fixed, batch, weights, key, objective, size, layout)
        except (NameError, ConfigError):  # a layer asks for the whole batch, whose axis has no name there
            pass
    return layout.kept(jax.value_and_grad(of_all)(params))


def _shared(
    params: PyTree,
    fixed: Distribution,
    batch: Rows,
    weights: Array,
    key: PRNGKeyArray,
    objective: Objective,
    size: int,
    layout: Layout,
) -> tuple[Array, PyTree]:
    arrays, structure = eqx.partition((fixed, objective), eqx.is_array)
    rows = jnp.minimum(jnp.arange(len(batch.x)), size - 1)

    def own(shared: PyTree, dealt: PyTree) -> tuple[Array, PyTree]:
        params, arrays, key = shared
        x, context, weights, rows = dealt
        weights = weights / size

        def part(params: PyTree) -> Array:
            fixed, objective = eqx.combine(arrays, structure)
            one_by_one = (
                objective.row_losses if isinstance(objective, RowObjective) else negative_log_likelihoods
            )
            losses = one_by_one(eqx.combine(params, fixed), x, context, key, rows=rows, size=size)
            return weighted_sum(losses, weights)

        # Divided by the sum of the weights in the end: before, it would be one more sum that the devices wait for.
        sums, total = _summed((jax.value_and_grad(part)(params), jnp.sum(weights)), layout)
        factor = 1 / jnp.where(total > 0, total, 1)
        return jax.tree.map(lambda leaf: leaf * factor.astype(leaf.dtype), sums)

    return layout.shared(own)((params, arrays, key), (batch.x, batch.context, weights, rows))


def _summed(tree: PyTree, layout: Layout) -> PyTree:
    """Return the sums of arrays over the devices; all small ones of a type cross as one."""
    leaves, structure = jax.tree.flatten(tree)
    sums = [leaf if leaf.size <= _SMALL else layout.summed(leaf) for leaf in leaves]
    for dtype in dict.fromkeys(leaf.dtype for leaf in leaves):
        places = [i for i, leaf in enumerate(leaves) if leaf.size <= _SMALL and leaf.dtype == dtype]
        if places:
            small, apart = ravel_pytree([leaves[i] for i in places])
            for i, total in zip(places, apart(layout.summed(small)), strict=True):
                sums[i] = total
    return jax.tree.unflatten(structure, sums)
