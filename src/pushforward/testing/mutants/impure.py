"""Mutants that are not pure functions of a plain tree."""

import random
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array

from ...bijectors.base import Bijector
from .made import Made, Pair, made_affine, mutant, onward


class _Memory:
    """A mutable object that a broken bijector keeps to itself."""

    def __init__(self) -> None:
        self.kept: Any = None


@mutant("deterministic")
def kept_from_an_earlier_call() -> Made:
    """The event of the call before shifts the result, as a running mean would."""
    memory = _Memory()

    def forward(p: dict[str, Any], x: Array) -> Pair:
        y, log_det = onward(p, x)
        if not isinstance(x, Tracer):
            y = y if memory.kept is None else y + 0.01 * memory.kept
            memory.kept = x
        return y, log_det

    return made_affine(forward)


@mutant("no_global_state")
def draws_from_the_global_generator() -> Made:
    """Draws from Python's global random generator, though nothing comes of it."""
    return made_affine(lambda p, x: onward(p, x + 0 * random.random()))


@mutant("no_global_state")
def changes_the_configuration() -> Made:
    """Changes the configuration of JAX."""

    def forward(p: dict[str, Any], x: Array) -> Pair:
        jax.config.update("jax_debug_nans", True)
        return onward(p, x)

    return made_affine(forward)


class _Writes(Bijector):
    """The identity, whose `forward` writes to the array it is given."""

    in_shape: tuple[int, ...] = eqx.field(static=True, default=(3,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=(3,))
    context_shape: None = eqx.field(static=True, default=None)
    cheap: Any = eqx.field(static=True, default="both")

    def forward_and_log_det(self, x: Array, context: Array | None = None, *, key: Any = None) -> Pair:
        """Do nothing."""
        return x, jnp.zeros((), x.dtype)

    def inverse_and_log_det(self, y: Array, context: Array | None = None, *, key: Any = None) -> Pair:
        """Do nothing."""
        return y, jnp.zeros((), y.dtype)


def _clip(self: _Writes, x: Any, context: Array | None = None, *, key: Any = None) -> Array:
    """Clip a NumPy array in place."""
    if isinstance(x, np.ndarray):
        x[:] = np.minimum(x, 0.0)
    return jnp.asarray(x)


# Past the door, which makes a JAX array of x, as a class that wraps its methods once more could have it.
_Writes.forward = _clip


@mutant("no_input_mutation")
def writes_to_its_input() -> Bijector:
    """Writes to a NumPy input."""
    return _Writes()


class _Tagged(Bijector):
    """The identity, with a static field that equals nothing but itself."""

    tag: Any = eqx.field(static=True, default_factory=_Memory)
    in_shape: tuple[int, ...] = eqx.field(static=True, default=(3,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=(3,))
    context_shape: None = eqx.field(static=True, default=None)
    cheap: Any = eqx.field(static=True, default="both")

    def forward_and_log_det(self, x: Array, context: Array | None = None, *, key: Any = None) -> Pair:
        """Do nothing."""
        return x, jnp.zeros((), x.dtype)

    def inverse_and_log_det(self, y: Array, context: Array | None = None, *, key: Any = None) -> Pair:
        """Do nothing."""
        return y, jnp.zeros((), y.dtype)


@mutant("tree_round_trip")
def static_object() -> Bijector:
    """A copy is another tree, so that an optimiser's state no longer fits it."""
    return _Tagged()


@mutant("transforms_compose")
def looks_whether_it_is_traced() -> Made:
    """Clips its input, but only outside of transformations."""

    def forward(p: dict[str, Any], x: Array) -> Pair:
        return onward(p, x if isinstance(x, Tracer) else jnp.minimum(x, -10.0))

    return made_affine(forward)
