"""A map of many elements whose batches, under `jax.vmap`, become more elements."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array


def all_at_once(function: Callable, rows: Array, values: Array) -> tuple[Array, Array]:
    """Map n elements with a scalar map that takes many elements at once.

    Arithmetic on the last axis of short vectors is slow. So the elements go last, and under `jax.vmap` the batch
    joins them: the map sees one long vector. What it computes on the way is computed again for the gradient rather
    than stored: it is cheap, and there is much of it. A primitive of its own is what lets `vmap` do this while
    forward and reverse derivatives of any order stay those of the plain function.

    Args:
        function: `forward` or `inverse` of a `ScalarMap` with `elementwise` True.
        rows: parameters, shape (n, num_params).
        values: shape (n,).

    Returns:
        The mapped values and their log-derivatives, shape (n,) each.
    """
    mapped, log_derivatives = _elements.bind(rows, values, function=function)
    return mapped, log_derivatives


@functools.partial(jax.jit, static_argnames="function")
def _plain(rows: Array, values: Array, *, function: Callable) -> tuple[Array, Array]:
    return jax.checkpoint(lambda rows, values: function(rows.T, values))(rows, values)


def _shapes(rows: Any, values: Any, *, function: Callable) -> list[Any]:
    results = jax.eval_shape(functools.partial(_plain, function=function), rows, values)
    return [values.update(shape=result.shape, dtype=result.dtype, weak_type=False) for result in results]


def _derivative(primals: tuple, tangents: tuple, *, function: Callable) -> tuple[Any, Any]:
    full = [ad.instantiate_zeros(tangent) for tangent in tangents]
    return jax.jvp(functools.partial(_plain, function=function), primals, tuple(full))


def _batched(arguments: tuple, axes: tuple, *, function: Callable) -> tuple[list[Array], list[int]]:
    size = next(a.shape[axis] for a, axis in zip(arguments, axes, strict=True) if axis is not None)
    rows, values = (
        jnp.broadcast_to(a, (size, *a.shape)) if axis is None else jnp.moveaxis(a, axis, 0)
        for a, axis in zip(arguments, axes, strict=True)
    )
    results = _elements.bind(rows.reshape(-1, rows.shape[-1]), values.reshape(-1), function=function)
    return [result.reshape(values.shape) for result in results], [0, 0]


_elements = Primitive("map_elements")
_elements.multiple_results = True
_elements.def_impl(_plain)
_elements.def_abstract_eval(_shapes)
ad.primitive_jvps[_elements] = _derivative
batching.primitive_batchers[_elements] = _batched
mlir.register_lowering(_elements, mlir.lower_fun(_plain, multiple_results=True))
