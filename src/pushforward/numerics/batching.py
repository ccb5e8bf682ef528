"""Batches: `jax.vmap` in pieces, and functions whose batches, under `jax.vmap`, become trailing axes."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import PyTree

from .programs import on_cpu

MOST_ROWS = 1 << 14
"""Rows of a batch, or of a piece of it, for which XLA for CPUs compiles correct sums."""


def in_pieces(function: Callable, *rows: PyTree, whole: str | None = None) -> PyTree:
    """Return jax.vmap(function)(*rows), on a CPU in equal pieces of at most 2^14 rows, one after the other.

    From row 2^15 on, XLA for CPUs (jax 0.10.2) adds up nothing that makes sense where it makes one kernel of a product
    of small matrices and a sum: with 40,000 rows of three numbers, jit(vmap(lambda row: sum((matrix @ row) ** 2))).

    Args:
        function: of the leaves of one row.
        rows: trees of arrays of shape (n, ...), or None.
        whole: a name of the batch's axis, by which the function may ask for other rows where there is one piece.

    Returns:
        The results, stacked along the first axis.
    """
    count = len(jax.tree.leaves(rows)[0])
    if count <= MOST_ROWS or not on_cpu():
        return jax.vmap(function, axis_name=whole)(*rows)
    pieces = -(-count // MOST_ROWS)
    size = -(-count // pieces)
    padded = jax.tree.map(lambda leaf: jnp.concatenate([leaf, *[leaf[-1:]] * (pieces * size - count)]), rows)
    out = jax.lax.map(lambda row: function(*row), padded, batch_size=size)
    return jax.tree.map(lambda leaf: leaf[:count], out)


PREFIX = "batch_last_"
"""How the names of these functions' primitives begin."""


def batch_last(function: Callable, carried: tuple[int, ...]) -> Callable:
    """Return the function with a rule for `jax.vmap`: the batch becomes its arguments' last axis.

    JAX puts a batch first. Arithmetic along the last axis of (batch, few) is slow where few is small, and so are the
    transpositions between the two orders that JAX inserts. With the batch last, matrix products, splines and sums
    over a vector's elements all run along the batch. The result keeps the batch last until somebody asks otherwise.

    A primitive of its own is what lets `vmap` do this while forward and reverse derivatives of any order stay those of
    the plain function.

    Args:
        function: a function of arrays, and of keyword arguments that can be hashed, to one array or a tuple of arrays.
            It accepts any number of further axes at the end of the `carried` arguments, each of the same size
            in all of them or 1, and its results have them too.
        carried: positions of the arguments that may be batched. If another one is, `vmap` does its usual work.
    """
    name = getattr(function, "__name__", "function")
    primitive = Primitive(PREFIX + name)
    primitive.multiple_results = True

    def plain(*arguments: Any, **options: Any) -> list[Any]:
        results = function(*arguments, **options)
        return list(results) if isinstance(results, tuple) else [results]

    @functools.cache
    def compiled(options: tuple) -> Callable:
        return jax.jit(functools.partial(plain, **dict(options)))

    def evaluate(*arguments: Any, **options: Any) -> list[Any]:
        return compiled(tuple(sorted(options.items())))(*arguments)

    def shapes(*arguments: Any, **options: Any) -> list[Any]:
        results = jax.eval_shape(functools.partial(plain, **options), *arguments)
        return [ShapedArray(result.shape, result.dtype) for result in results]

    def derivative(primals: tuple, tangents: tuple, /, **options: Any) -> tuple[Any, Any]:
        moved = [i for i, tangent in enumerate(tangents) if not isinstance(tangent, ad.Zero)]

        def of_moved(*values: Any) -> list[Any]:
            arguments = list(primals)
            for place, value in zip(moved, values, strict=True):
                arguments[place] = value
            return plain(*arguments, **options)

        return jax.jvp(of_moved, [primals[i] for i in moved], [tangents[i] for i in moved])

    def batched(arguments: tuple, axes: tuple, /, **options: Any) -> tuple[list[Any], list[int]]:
        if any(axis is not None for i, axis in enumerate(axes) if i not in carried):
            results = jax.vmap(functools.partial(plain, **options), in_axes=axes)(*arguments)
            return results, [0] * len(results)
        moved = [
            a if i not in carried else a[..., None] if axis is None else jnp.moveaxis(a, axis, -1)
            for i, (a, axis) in enumerate(zip(arguments, axes, strict=True))
        ]
        results = primitive.bind(*moved, **options)
        return results, [result.ndim - 1 for result in results]

    primitive.def_impl(evaluate)
    primitive.def_abstract_eval(shapes)
    ad.primitive_jvps[primitive] = derivative
    batching.primitive_batchers[primitive] = batched
    mlir.register_lowering(primitive, mlir.lower_fun(plain, multiple_results=True))

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        results = primitive.bind(*map(jnp.asarray, arguments), **options)
        return tuple(results) if len(results) > 1 else results[0]

    return call


def _reshape(array: jax.Array, *, shape: tuple[int, ...], rank: int) -> jax.Array:
    return array.reshape(*shape, *array.shape[rank:])


_reshaped = batch_last(_reshape, carried=(0,))


def reshaped(array: jax.Array, *, shape: tuple[int, ...]) -> jax.Array:
    """Return the array in another shape, its batch under `jax.vmap` left in the last place."""
    return _reshaped(array, shape=shape, rank=array.ndim)
