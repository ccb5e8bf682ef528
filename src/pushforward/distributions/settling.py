"""Flows that learn from rows without a gradient: the statistics of BatchNorm, the start of ActNorm."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ..bijectors.base import as_float
from ..bijectors.norm import ActNorm, BatchNorm
from ..bijectors.settling import Kinds, Passing, holds, learn, lost
from ..errors import ConfigError, DomainError, ShapeError
from .base import Distribution
from .door import conditions_of, split_batch
from .flow import Flow

_CHUNK_ROWS = 1024


def settle(flow: Flow, x: ArrayLike, context: ArrayLike | None = None) -> Flow:
    """Return the flow with the statistics of some rows in its `BatchNorm` layers, all else unchanged.

    The rows go from data to base; each layer stores mean and variance of what reaches it through the layers before,
    as these are after settling. So the result is that of one batch of all rows. `pushforward.fit` does this by itself.
    Rows all count alike. A flow without such a layer comes back as it is.

    Args:
        flow: a flow; nested ones, such as the recipe `table`'s, are settled inside too.
        x: events, shape (n, *event_shape), finite.
        context: conditions, shape (n, *context_shape), or one for all rows; None exactly if the flow takes none.

    Raises:
        ShapeError: if x or the context has another shape, there are no rows, or a context is missing or superfluous.
        DomainError: if a value of x is not finite.
        ConfigError: if such a layer lies where rows cannot be followed, or the wrong way round.

    Reference: Papamakarios et al. 2017, Masked Autoregressive Flow, arXiv:1705.07057, appendix B.
    """
    return _told("settle", flow, x, context, (BatchNorm,))


def initialize(flow: Flow, x: ArrayLike, context: ArrayLike | None = None) -> Flow:
    """Return the flow with its `ActNorm` layers set by a first batch of data, and its `BatchNorm` layers settled.

    The rows go from data to base, and behind each `ActNorm` they have mean zero and variance one in every channel. It
    is called once, before training; what it sets are parameters, which training then changes and `save` stores. A
    flow without such a layer comes back as it is.

    Args:
        flow: a flow; nested ones are initialised inside too.
        x: events, shape (n, *event_shape), finite: a batch of the training data, or all of it.
        context: conditions, shape (n, *context_shape), or one for all rows; None exactly if the flow takes none.

    Raises:
        ShapeError: if x or the context has another shape, there are no rows, or a context is missing or superfluous.
        DomainError: if a value of x is not finite.
        ConfigError: if such a layer lies where rows cannot be followed, or the wrong way round.

    Example:
        flow = initialize(flow, x[:1000])

    Reference: Kingma and Dhariwal 2018, Glow, arXiv:1807.03039, section 3.1.
    """
    return _told("initialize", flow, x, context, (ActNorm, BatchNorm))


def in_chunks(x: np.ndarray, context: np.ndarray | None) -> Passing:
    """Return rows on the device, cut into chunks of equal size and filled up with copies of weight 0."""
    count = len(x)
    chunks = -(-count // _CHUNK_ROWS)
    size = -(-count // chunks)
    places = np.minimum(np.arange(chunks * size), count - 1)

    def cut(rows: np.ndarray) -> Array:
        return jnp.asarray(rows[places].reshape(chunks, size, *rows.shape[1:]))

    weights = (np.arange(chunks * size) < count).astype(x.dtype).reshape(chunks, size)
    return Passing(cut(x), None if context is None else cut(context), jnp.asarray(weights))


def follow(law: Distribution, rows: Passing, kinds: Kinds) -> Distribution:
    """Return a law whose layers of some classes learned from rows, in a flow and in those that are its base.

    Raises:
        ConfigError: if such a layer lies elsewhere, or the wrong way round.
    """
    if not holds(law, kinds):
        return law
    if not isinstance(law, Flow):
        raise lost(law, kinds)
    if law.embedding is not None and rows.context is not None:
        rows = dataclasses.replace(rows, context=jax.vmap(jax.vmap(law.embedding))(rows.context))
    bijector, rows = learn(law.bijector, rows, kinds)
    return dataclasses.replace(law, base=follow(law.base, rows, kinds), bijector=bijector)


_followed = eqx.filter_jit(follow)


def _told(who: str, flow: Flow, x: ArrayLike, context: ArrayLike | None, kinds: Kinds) -> Any:
    if not isinstance(flow, Flow):
        raise ConfigError(f"{who}: expected a Flow, got {type(flow).__name__}.")
    rows = in_chunks(*_checked(who, flow, x, context))
    return _followed(flow, rows, kinds) if holds(flow, kinds) else flow


def _checked(
    who: str, flow: Flow, x: ArrayLike, context: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the rows, and a condition for each, as floats, or raise if they do not fit the flow."""
    rows = np.asarray(as_float(x, who))
    batch = split_batch(who, "events", "x", rows.shape, flow.event_shape)
    if len(batch) != 1 or not batch[0]:
        raise ShapeError(f"{who}: expected a batch of at least one row, got x of shape {rows.shape}.")
    bad = int(np.sum(~np.isfinite(rows.reshape(batch[0], -1)).all(axis=1)))
    if bad:
        raise DomainError(f"{who}: expected finite values, got NaN or infinity in {bad} of {batch[0]} rows.")
    conditions, given = conditions_of(flow, who, context)
    if conditions is None:
        return rows, None
    if given not in ((), batch):
        count = " x ".join(str(size) for size in given)
        raise ShapeError(f"{who}: expected one context or {batch[0]}, as many as rows, got {count}.")
    return rows, np.broadcast_to(conditions, (*batch, *conditions.shape[len(given) :]))
