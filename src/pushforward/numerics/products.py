"""Products of matrices in full precision, with many columns at once, or of one that is zero above a staircase."""

import contextlib
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array

from .programs import on_cpu

Steps = tuple[tuple[int, int], ...]
"""The steps of a staircase from the top: how many rows, and how many leading columns those rows use."""


def precision() -> jax.lax.Precision | None:
    """Return the precision of products: full, unless the user has set `jax.default_matmul_precision`.

    Left to itself, JAX has GPUs and TPUs round the factors to 10 or 7 bits. On a GPU a spline flow of 21 features was
    then off by up to 0.15 nats, and its inverse by 0.01.
    """
    chosen = jax.config.jax_default_matmul_precision  # pyright: ignore[reportAttributeAccessIssue]
    return jax.lax.Precision.HIGHEST if chosen is None else None


def full_precision() -> contextlib.AbstractContextManager:
    """Return a context for functions of others that multiply: with the precision of `precision`."""
    return contextlib.nullcontext() if precision() is None else jax.default_matmul_precision("highest")


def matmul(a: Array, b: Array) -> Array:
    """Return a @ b in the precision of `precision`."""
    return jnp.matmul(a, b, precision=precision())


def product(matrix: Array, values: Array) -> Array:
    """Return matrix @ values, in the precision of `precision`.

    Its transpose, by which gradients come back, is the product with `matrix.T`. Compiled for a CPU, the gradient of few
    values for a large batch takes several times as long with the batch first, as the compiler would have it where
    somebody asks for that order next.

    Args:
        matrix: shape (rows, columns).
        values: shape (columns, *batch).

    Returns:
        Shape (rows, *batch).

    Gradients: those of the plain product, of any order, in forward and reverse mode.
    """
    return _product(matrix, values) if on_cpu() else _tensordot(matrix, values)


def _tensordot(a: Array, b: Array) -> Array:
    return jnp.tensordot(a, b, axes=1, precision=precision())


@jax.custom_jvp
def _product(matrix: Array, values: Array) -> Array:
    return _tensordot(matrix, values)


def _product_jvp(primals: tuple[Array, Array], tangents: tuple[Any, Any]) -> tuple[Array, Array]:
    (matrix, values), (matrix_dot, values_dot) = primals, tangents
    out = _product(matrix, values)
    moved = jnp.zeros_like(out)
    # What does not move is left out. A product with its zeros would be wasted, and XLA for CPUs (jax 0.10.2) compiles
    # some of these in a loop to garbage (tests/numerics/test_batching.py::test_what_does_not_move_is_not_multiplied).
    if not isinstance(matrix_dot, SymbolicZero):
        moved = _tensordot(matrix_dot, values)
    if isinstance(values_dot, SymbolicZero):
        return out, moved
    # The barrier, when it is transposed, keeps the compiler from turning the product round.
    carried = _tensordot(matrix, jax.lax.optimization_barrier(values_dot))
    return out, carried if isinstance(matrix_dot, SymbolicZero) else moved + carried


_product.defjvp(_product_jvp, symbolic_zeros=True)


def staircase(matrix: Array, values: Array, *, steps: Steps, groups: int = 1) -> Array:
    """Return matrix @ values where the matrix is zero to the right of a staircase; on a CPU without their arithmetic.

    Elsewhere one product is faster than several with fewer numbers.

    Args:
        matrix: shape (groups * rows, columns). Every group of rows has the staircase for itself; outside of it there
            must be zeros.
        values: shape (columns, *batch).
        steps: rows and used columns of each step; the rows sum to those of a group.
        groups: number of groups.

    Returns:
        Shape (groups * rows, *batch).

    Gradients: those of the product; outside of the staircase, where nobody may ask for them, any.
    """
    if len(steps) == 1 or not on_cpu():
        return product(matrix, values)
    batch = values.shape[1:]
    strips = jax.lax.split(matrix.reshape(groups, -1, matrix.shape[1]), [rows for rows, _ in steps], axis=1)
    parts = [
        product(strip[:, :, :used].reshape(-1, used), values[:used]).reshape(groups, rows, *batch)
        for strip, (rows, used) in zip(strips, steps, strict=True)
    ]
    return jnp.concatenate(parts, axis=1).reshape(matrix.shape[0], *batch)
