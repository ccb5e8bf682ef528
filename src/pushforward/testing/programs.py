"""The functions that a bijector's checks compile, as functions of (parameters, events, contexts)."""

import functools
from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..numerics.programs import known_options

Direction = Literal["forward", "inverse"]
DIRECTIONS: tuple[Direction, Direction] = ("forward", "inverse")


def compiled(function: Callable) -> Callable:
    """Compile a program that runs for milliseconds: without machine-level optimisation it takes half the time."""
    return jax.jit(function, compiler_options=known_options(xla_backend_optimization_level=0))


def event_function(static: Any, direction: Direction) -> Callable:
    """One direction as a function of (parameters, event, context)."""

    def apply(parameters: Any, event: jax.Array, context: jax.Array | None) -> tuple[jax.Array, jax.Array]:
        bijector = eqx.combine(parameters, static)
        return getattr(bijector, f"{direction}_and_log_det")(event, context)

    return apply


def _values(static: Any, direction: Direction) -> Callable:
    # The axis has a name, so that a map which takes statistics over the batch can be caught at it.
    return jax.vmap(event_function(static, direction), in_axes=(None, 0, 0), axis_name="batch")


def _exact(static: Any, direction: Direction, differentiate: Callable = jax.jacfwd) -> Callable:
    apply = event_function(static, direction)

    def one(parameters: Any, event: jax.Array, context: jax.Array | None) -> tuple[jax.Array, ...]:
        def twice(value: jax.Array) -> tuple[tuple[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]:
            both = apply(parameters, value, context)
            return both, both

        (outer, slope), (out, log_det) = differentiate(twice, has_aux=True)(event)
        return out, log_det, outer.reshape(out.size, event.size), slope.reshape(*log_det.shape, event.size)

    return jax.vmap(one, in_axes=(None, 0, 0), axis_name="batch")


def loss_weights(shape: tuple[int, ...]) -> np.ndarray:
    """Fixed weights of the outputs, in units that keep a sum of numbers near the largest float finite."""
    size = int(np.prod(shape))
    return (np.cos(np.arange(size) * 1.7 + 0.3) / max(size, 1)).reshape(shape)


def _loss(static: Any, direction: Direction) -> Callable:
    batched = _values(static, direction)

    def loss(parameters: Any, events: jax.Array, context: jax.Array | None) -> jax.Array:
        out, log_det = batched(parameters, events, context)
        weights = jnp.asarray(loss_weights(out.shape[1:]), out.dtype)
        return jnp.mean(log_det + jnp.sum((out * weights).reshape(out.shape[0], -1), axis=1))

    return loss


def _gradients(static: Any, direction: Direction) -> Callable:
    return jax.grad(_loss(static, direction), argnums=(0, 1, 2))


def _stacked(static: Any, direction: Direction) -> Callable:
    apply = event_function(static, direction)

    def both(parameters: Any, events: jax.Array, contexts: jax.Array | None) -> tuple[jax.Array, jax.Array]:
        copies = jax.tree.map(lambda leaf: jnp.stack([leaf] * events.shape[0]), parameters)
        return jax.vmap(apply)(copies, events, contexts)

    return both


KINDS: dict[str, Callable] = {
    "values": _values,
    "gradients": _gradients,
    "stacked": _stacked,
    "exact": _exact,
    "exact_in_reverse": functools.partial(_exact, differentiate=jax.jacrev),
}
"""Builders of the programs by kind; each takes the static part of the bijector and a direction."""
