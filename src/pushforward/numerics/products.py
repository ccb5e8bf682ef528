"""Products of a matrix with many columns at once, also of a matrix that is zero above a staircase."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array

Steps = tuple[tuple[int, int], ...]
"""The steps of a staircase from the top: how many rows, and how many leading columns those rows use."""

_SMALL, _LARGE = 2**12, 2**20
"""Numbers of a matrix between which its transpose is written out for the derivative; writing more takes too long."""


@jax.custom_jvp
def product(matrix: Array, values: Array) -> Array:
    """Return matrix @ values.

    Its transpose, by which gradients come back, is the product with `matrix.T`. Compiled for a CPU, a product that
    contracts the first axis of a matrix takes up to 1.6 times as long as one that contracts the second, so that of all
    but small and very large matrices is written out first. And the gradient of few values for a large batch takes
    several times as long with the batch first, as the compiler would have it where somebody asks for that order next.

    Args:
        matrix: shape (rows, columns).
        values: shape (columns, *batch).

    Returns:
        Shape (rows, *batch).

    Gradients: those of the plain product, of any order, in forward and reverse mode.
    """
    return jnp.tensordot(matrix, values, axes=1)


def _product_jvp(primals: tuple[Array, Array], tangents: tuple[Any, Any]) -> tuple[Array, Array]:
    (matrix, values), (matrix_dot, values_dot) = primals, tangents
    out = product(matrix, values)
    moved = jnp.zeros_like(out)
    # What does not move is left out. A product with its zeros would be wasted, and XLA for CPUs (jax 0.10.2) compiles
    # some of these in a loop to garbage (tests/numerics/test_batching.py::test_what_does_not_move_is_not_multiplied).
    if not isinstance(matrix_dot, SymbolicZero):
        moved = jnp.tensordot(matrix_dot, values, axes=1)
    if isinstance(values_dot, SymbolicZero):
        return out, moved
    # Barriers keep the compiler from turning products round: this one when it is transposed.
    values_dot = jax.lax.optimization_barrier(values_dot)
    if not _SMALL < matrix.size <= _LARGE:
        carried = jnp.tensordot(matrix, values_dot, axes=1)
    else:
        # Transposed, this contracts the second axis.
        transposed = jax.lax.optimization_barrier(matrix.T)
        carried = jnp.tensordot(transposed, values_dot, axes=((0,), (0,)))
    return out, carried if isinstance(matrix_dot, SymbolicZero) else moved + carried


product.defjvp(_product_jvp, symbolic_zeros=True)


def staircase(matrix: Array, values: Array, *, steps: Steps, groups: int = 1) -> Array:
    """Return matrix @ values where the matrix is zero to the right of a staircase, without the zeros' arithmetic.

    Args:
        matrix: shape (groups * rows, columns). Every group of rows has the staircase for itself; what stands
            outside of it has no influence.
        values: shape (columns, *batch).
        steps: rows and used columns of each step; the rows sum to those of a group.
        groups: number of groups.

    Returns:
        Shape (groups * rows, *batch).

    Gradients: those of the product, zero outside of the staircase.
    """
    if len(steps) == 1:
        return product(matrix, values)
    batch = values.shape[1:]
    strips = jax.lax.split(matrix.reshape(groups, -1, matrix.shape[1]), [rows for rows, _ in steps], axis=1)
    parts = [
        product(strip[:, :, :used].reshape(-1, used), values[:used]).reshape(groups, rows, *batch)
        for strip, (rows, used) in zip(strips, steps, strict=True)
    ]
    return jnp.concatenate(parts, axis=1).reshape(matrix.shape[0], *batch)
