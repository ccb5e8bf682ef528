"""Programs that run once: compiled in a hurry, because compiling is all that they cost."""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

from .programs import Function, known_options, on_cpu, tracing


def quickly(function: Function) -> Function:
    """Return the function, compiled as a whole and without optimisations where that is possible.

    It is for what runs once, as initial weights do. On a CPU, and outside of JAX transformations, XLA then takes a
    fifth of the time (the weights of a layer of 128 units: 0.1 s in place of 0.6 s); elsewhere the function runs as
    it is. The results are the same bits for random bits, keys and uniform numbers (tests/numerics/test_quick.py).

    Args:
        function: of arrays and static arguments, which must be hashable.
    """

    @functools.cache
    def compiled() -> Callable:
        options = known_options(xla_backend_optimization_level=0, xla_cpu_use_fusion_emitters=False)
        return eqx.filter_jit(function, compiler_options=options)  # pyright: ignore[reportCallIssue]

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        plain = not on_cpu() or tracing(args, kwargs)
        return (function if plain else compiled())(*args, **kwargs)

    return call  # pyright: ignore[reportReturnType]


@quickly
def split(key: PRNGKeyArray, count: int = 2) -> tuple[PRNGKeyArray, ...]:
    """Return the keys of `jax.random.split`, one by one."""
    return tuple(jr.split(key, count))


@quickly
def permutation(key: PRNGKeyArray, count: int) -> Array:
    """Return a random permutation of 0 ... count - 1, that of `jax.random.permutation`."""
    return jr.permutation(key, count)
