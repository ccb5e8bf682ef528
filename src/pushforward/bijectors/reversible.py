"""Layers one after the other, and a gradient that recomputes what it needs from their output."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, PRNGKeyArray, PyTree

Memory = Literal["store", "constant"]
"""What the gradient of a chain of layers has at hand: what was computed on the way, or the output alone."""

Method = Literal["forward_and_log_det", "inverse_and_log_det"]
Lift = Callable[[Callable], Callable]
"""Maps a function of (arrays, event, context, key, ...) over the batches of all but the arrays."""


def opposite(method: Method) -> Method:
    """Return the method that undoes this one."""
    return "inverse_and_log_det" if method == "forward_and_log_det" else "forward_and_log_det"


def pull_back(
    run: Callable, method: Method, lift: Lift, given: tuple[Any, ...], cotangents: tuple[Array, Array]
) -> tuple[Array, PyTree, Array, Array | None]:
    """Undo one layer; return its input, and the gradients by its arrays, its input and the context.

    Args:
        run: the layer as a function of (method, arrays, event, context, key).
        method: the direction in which it was applied.
        lift: maps over the batch.
        given: its arrays, its output, the context and the key.
        cotangents: of the output and of the log-determinant.
    """
    arrays, y, context, key = given
    # A compiler may undo all layers first and keep what it finds, or find that it computed the same before and keep
    # that; `jax.checkpoint` has such a barrier for the same reason. On a CPU the memory is the same without it.
    y, cotangents = jax.lax.optimization_barrier((y, cotangents))
    floats, others = eqx.partition(arrays, eqx.is_inexact_array)
    x, _ = lift(functools.partial(run, opposite(method)))(arrays, y, context, key)

    def there(floats: PyTree, x: Array, context: Array | None) -> tuple[Array, Array]:
        return lift(functools.partial(run, method))(eqx.combine(floats, others), x, context, key)

    (_, log_det), pull = jax.vjp(there, floats, x, context)
    by_y, by_log_det = cotangents
    return x, *pull((by_y, by_log_det.astype(log_det.dtype)))


@dataclasses.dataclass(frozen=True, eq=False)
class Layers:
    """Layers in the order in which they are applied, as two functions.

    Attributes:
        apply: takes (arrays, event, context, key); returns the event behind the last layer, and the sum of the
            log-determinants.
        pull: takes (lift, arrays, event behind the last layer, context, key, cotangents); returns the gradients by
            the inexact arrays, by the first event and by the context.
    """

    apply: Callable
    pull: Callable


def apply_reversibly(
    layers: Layers, arrays: PyTree, event: Array, context: Array | None, key: PRNGKeyArray | None
) -> tuple[Array, Array]:
    """Apply layers so that the gradient keeps their output alone, and recomputes their inputs by undoing them.

    Reference: Gomez et al. 2017, The Reversible Residual Network, arXiv:1707.04585, section 3 and algorithm 1.
    """
    leaves, tree = jax.tree.flatten((arrays, event, context, key))
    y, log_det = _reversible.bind(*leaves, layers=layers, tree=tree, levels=())
    return y, log_det


# A primitive, because jax.vmap of a jax.custom_vjp would compute the gradients of the arrays for every event by itself
# and sum them then. This one remembers the batch instead, so that the layers are mapped before they are differentiated.

Levels = tuple[tuple[bool, bool], ...]
"""The batches, from the outermost to the innermost: whether context and key have one too. The event always has."""

_reversible = Primitive("apply_reversibly")
_reversible.multiple_results = True


def _lift(levels: Levels) -> Lift:
    def lift(function: Callable) -> Callable:
        for context, key in reversed(levels):
            axes = (None, 0, 0 if context else None, 0 if key else None)
            function = jax.vmap(function, in_axes=axes)
        return function

    return lift


def _plain(*leaves: Any, layers: Layers, tree: Any, levels: Levels) -> list[Array]:
    return list(_lift(levels)(layers.apply)(*jax.tree.unflatten(tree, leaves)))


def _shapes(*leaves: Any, **settings: Any) -> list[ShapedArray]:
    results = jax.eval_shape(lambda *values: _plain(*values, **settings), *leaves)
    return [ShapedArray(result.shape, result.dtype) for result in results]


def _with_gradient(layers: Layers, tree: Any, levels: Levels) -> Callable:
    """Return the function of the leaves with a gradient that undoes the layers."""

    @jax.custom_vjp
    def run(*leaves: Any) -> list[Array]:
        return _plain(*leaves, layers=layers, tree=tree, levels=levels)

    def forward(*leaves: Any) -> tuple[list[Array], Any]:
        y, log_det = run(*leaves)
        arrays, _, context, key = jax.tree.unflatten(tree, leaves)
        return [y, log_det], (arrays, y, context, key)

    def backward(kept: Any, cotangents: list[Array]) -> tuple[Any, ...]:
        arrays, y, context, key = kept
        by_arrays, by_event, by_context = layers.pull(
            _lift(levels), arrays, y, context, key, tuple(cotangents)
        )
        by_leaf = [*jax.tree.structure(arrays).flatten_up_to(by_arrays), by_event]
        by_leaf += [] if context is None else [by_context]
        return (*by_leaf, *([] if key is None else [None]))

    run.defvjp(forward, backward)
    return run


def _derivative(primals: tuple, tangents: tuple, /, **settings: Any) -> tuple[Any, Any]:
    moved = [i for i, tangent in enumerate(tangents) if not isinstance(tangent, ad.Zero)]
    run = _with_gradient(**settings)

    def of_moved(*values: Array) -> list[Array]:
        leaves = list(primals)
        for place, value in zip(moved, values, strict=True):
            leaves[place] = value
        return run(*leaves)

    return jax.jvp(of_moved, [primals[i] for i in moved], [tangents[i] for i in moved])


def _batched(
    leaves: tuple, axes: tuple, /, *, layers: Layers, tree: Any, levels: Levels
) -> tuple[list[Array], list[int]]:
    by_arrays, by_event, by_context, by_key = jax.tree.unflatten(tree, axes)
    if jax.tree.leaves(by_arrays):
        # Every event has arrays of its own, so their gradients are wanted one by one.
        run = _with_gradient(layers, tree, levels)
        return jax.vmap(run, in_axes=axes)(*leaves), [0, 0]
    size = next(leaf.shape[axis] for leaf, axis in zip(leaves, axes, strict=True) if axis is not None)
    first = [
        leaf if axis is None else jnp.moveaxis(leaf, axis, 0) for leaf, axis in zip(leaves, axes, strict=True)
    ]
    arrays, event, context, key = jax.tree.unflatten(tree, first)
    if by_event is None:
        event = jnp.broadcast_to(event, (size, *event.shape))
    level = (by_context is not None, by_key is not None)
    values = jax.tree.leaves((arrays, event, context, key))
    return _reversible.bind(*values, layers=layers, tree=tree, levels=(level, *levels)), [0, 0]


_reversible.def_impl(_plain)
_reversible.def_abstract_eval(_shapes)
ad.primitive_jvps[_reversible] = _derivative
batching.primitive_batchers[_reversible] = _batched
mlir.register_lowering(_reversible, mlir.lower_fun(_plain, multiple_results=True))
