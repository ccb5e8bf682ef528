"""The compiled inside of training: many steps in one call, and one pass over the validation rows."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Array, PRNGKeyArray, PyTree

from ..distributions.base import Distribution
from ..numerics.programs import program
from ..objectives.base import Objective
from .gradient import loss_and_gradient
from .layout import Layout
from .optimizer import AnyOptimizer, average_decay, rate, transformation
from .plan import Deal
from .rows import Rows

_EVALUATION_ROWS = 1024


class TrainState(NamedTuple):
    """All that changes from step to step. The host replaces it whole and never changes it.

    A tuple, because a module takes 0.07 ms to copy and as long for each method that is asked of it, several times an
    epoch.

    Attributes:
        params: the trainable arrays of the flow, None in all other places.
        average: their moving average, or None.
        optimizer: the state of the Optax transformation.
        step: steps done, which is also the position in the data, an integer.
        bad: True if the step numbered `step` met a loss or gradient that is not finite; the rest is then of
            no use.
        loss: the loss of the last step, in nats.
        norm: the global norm of its gradient.
        rate: what its update was multiplied with.
        loss_sum: weighted sum of the losses since the last check.
        weight_sum: sum of the weights since the last check.
    """

    params: PyTree
    average: PyTree
    optimizer: PyTree
    step: Array
    bad: Array
    loss: Array
    norm: Array
    rate: Array
    loss_sum: Array
    weight_sum: Array

    def shown(self) -> PyTree:
        """Return the parameters to validate and to hand out: the average if there is one."""
        return self.params if self.average is None else self.average


class Span(NamedTuple):
    """A run of steps, and the progress of the schedule along it: start + slope * (step + 1/2 - origin).

    Attributes:
        stop: the step to stop before.
        start: progress at step `origin`, in [0, 1].
        origin: a step.
        slope: progress per step.
        scale: factor on the rate, from the guard.
    """

    stop: np.ndarray
    start: np.ndarray
    origin: np.ndarray
    slope: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, stop: int, *, start: float, origin: int, slope: float, scale: float) -> "Span":
        """Make a span of plain numbers. They become arrays, because static numbers would be compiled in."""
        floats = (np.asarray(value, np.float32) for value in (start, origin, slope, scale))
        return cls(np.asarray(stop, np.int32), *floats)


def initial_state(params: PyTree, optimizer: AnyOptimizer) -> TrainState:
    """Return the state before the first step. Weak types and NumPy leaves become plain JAX arrays."""
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=leaf.dtype), params)
    has_average = average_decay(optimizer, jnp.zeros((), jnp.int32)) is not None
    zero = jnp.zeros((), float)
    return TrainState(
        params=params,
        average=params if has_average else None,
        optimizer=transformation(optimizer).init(params),
        step=jnp.zeros((), jnp.int32),
        bad=jnp.zeros((), bool),
        loss=zero,
        norm=zero,
        rate=zero,
        loss_sum=zero,
        weight_sum=zero,
    )


@program
def train_steps(
    state: TrainState,
    fixed: Distribution,
    rows: Rows,
    order: Array | None,
    span: Span,
    key: PRNGKeyArray,
    first: Array | np.ndarray | int = 0,
    *,
    deal: Deal,
    objective: Objective,
    optimizer: AnyOptimizer,
    layout: Layout | None = None,
) -> TrainState:
    """Train from `state.step` up to `span.stop`, or up to the first step that is not finite.

    The number of steps is not part of the compiled program, so there is one compilation whatever the caller
    asks for. All steps must lie in one epoch.

    Args:
        state: where to start. Its buffers are not donated: the guard goes back to it, and it may hold the
            best flow.
        fixed: the flow without its trainable arrays.
        rows: all training rows; without an `order` those of some steps, dealt out: shape (steps, rows, ...).
        order: the order of the rows in this epoch, shape (n,), or None.
        span: where to stop, and the progress on the way.
        key: randomness of the objective; every step folds its number in.
        first: without an `order`, the place in its epoch of the first of the steps.
        deal: how the rows are dealt out.
        objective: the loss to minimise.
        optimizer: how to minimise it.
        layout: the devices that share each batch; None for one.
    """

    def goes_on(state: TrainState) -> Array:
        return (state.step < span.stop) & ~state.bad

    def step(state: TrainState) -> TrainState:
        batch, weights = _batch(rows, order, state.step, deal, first)
        loss, gradient = loss_and_gradient(
            state.params,
            fixed,
            batch,
            weights,
            jr.fold_in(key, state.step),
            objective=objective,
            size=deal.batch,
            layout=layout,
        )
        return updated(state, loss, gradient, jnp.sum(weights), span, optimizer)

    return jax.lax.while_loop(goes_on, step, state)


def updated(
    state: TrainState, loss: Array, gradient: PyTree, weight: Array, span: Span, optimizer: AnyOptimizer
) -> TrainState:
    """Return the state after one step; of a bad one only `step`, `bad`, `loss` and `norm` mean anything."""
    norm = optax.tree.norm(gradient)
    bad = ~(jnp.isfinite(loss) & jnp.isfinite(norm))
    progress = jnp.float32(span.start) + span.slope * (state.step + 0.5 - span.origin)
    factor = rate(optimizer, progress.astype(jnp.float32)) * span.scale
    updates, memory = transformation(optimizer).update(gradient, state.optimizer, state.params, value=loss)
    params = optax.apply_updates(state.params, jax.tree.map(lambda leaf: factor * leaf, updates))
    real = state.loss_sum.dtype
    return TrainState(
        params=params,
        average=_average(state, params, optimizer),
        optimizer=memory,
        step=state.step + jnp.where(bad, 0, 1),
        bad=bad,
        loss=loss.astype(real),
        norm=norm.astype(real),
        rate=factor.astype(real),
        loss_sum=state.loss_sum + (loss * weight).astype(real),
        weight_sum=state.weight_sum + weight.astype(real),
    )


def _average(state: TrainState, params: PyTree, optimizer: AnyOptimizer) -> PyTree:
    decay = average_decay(optimizer, state.step)
    if decay is None:
        return None
    return jax.tree.map(
        lambda old, new: old + ((1 - decay) * (new - old)).astype(old.dtype), state.average, params
    )


def _batch(
    rows: Rows, order: Array | None, step: Array, deal: Deal, first: Array | np.ndarray | int
) -> tuple[Rows, Array]:
    """Return the rows of a step and their weights; what fills it up has weight 0."""
    turn = step % deal.steps
    if order is None:
        batch = jax.tree.map(lambda leaf: leaf[turn - first], rows)
        return batch, batch.weights
    places = jnp.arange(deal.batch, dtype=jnp.int32)
    index = order[jnp.minimum(turn * deal.small + jnp.minimum(turn, deal.larger) + places, deal.rows - 1)]
    batch = jax.tree.map(lambda leaf: leaf[index], rows)
    weights = jnp.ones(deal.batch, rows.x.dtype) if batch.weights is None else batch.weights
    if deal.larger:
        weights = jnp.where(places < deal.small + (turn < deal.larger), weights, 0)
    return batch, weights


def batch_index(step: int, order: np.ndarray, deal: Deal) -> np.ndarray:
    """Return, on the host, which training rows the step numbered `step` saw."""
    turn = step % deal.steps
    start = turn * deal.small + min(turn, deal.larger)
    return order[start : start + deal.small + (turn < deal.larger)]


def to_chunks(rows: Rows, layout: Layout | None = None) -> Rows:
    """Return rows on the device as (chunks, rows per chunk, ...) with weights; the padding has weight 0.

    With a layout, its devices share the rows of each chunk.
    """
    count = len(rows)
    chunks = -(-count // _EVALUATION_ROWS)
    size = -(-count // chunks)
    size = size if layout is None else layout.padded(size)
    places = np.minimum(np.arange(chunks * size), count - 1)
    weights = np.ones(count, rows.x.dtype) if rows.weights is None else rows.weights
    weights = np.where(np.arange(chunks * size) < count, weights[places], 0)

    def cut(leaf: Any) -> Array:
        shaped = leaf.reshape((chunks, size, *leaf.shape[1:]))
        return jnp.asarray(shaped) if layout is None else layout.dealt(shaped)

    context = None if rows.context is None else cut(rows.context[places])
    return Rows(cut(rows.x[places]), context, cut(weights.astype(rows.x.dtype)))


@program
def evaluate(params: PyTree, fixed: Distribution, chunks: Rows, *, objective: Objective) -> Array:
    """Return the mean loss over all rows of `to_chunks`, without randomness, in nats."""
    flow = eqx.combine(params, fixed)

    def add(total: Array, chunk: Rows) -> tuple[Array, None]:
        loss = objective(flow, chunk.x, chunk.context, chunk.weights, None)
        return total + (loss * jnp.sum(chunk.weights)).astype(total.dtype), None

    total, _ = jax.lax.scan(add, jnp.zeros((), float), chunks)
    return total / jnp.sum(chunks.weights)
