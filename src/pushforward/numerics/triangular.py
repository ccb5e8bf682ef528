"""Covariances as triangular factors: diag(scale) times a unit lower triangular matrix."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array


def unit_lower(packed: Array, size: int) -> Array:
    """Return the unit lower triangular matrices whose entries below the diagonal are given row by row.

    Args:
        packed: entries below the diagonal, shape (*batch, size * (size - 1) / 2).
        size: number of rows.

    Returns:
        Matrices of shape (*batch, size, size); their determinant is 1.
    """
    rows, columns = np.tril_indices(size, -1)
    identity = jnp.broadcast_to(jnp.eye(size, dtype=packed.dtype), (*packed.shape[:-1], size, size))
    return identity.at[..., rows, columns].set(packed, unique_indices=True, indices_are_sorted=True)


def pack_factor(factor: Array) -> tuple[Array, Array]:
    """Split a Cholesky factor into diag(scale) and a unit triangle: factor = diag(scale) @ unit_lower(packed).

    Args:
        factor: lower triangular with a positive diagonal, shape (*batch, size, size).

    Returns:
        log scale, shape (*batch, size), and the packed entries, shape (*batch, size * (size - 1) / 2).
    """
    diagonal = jnp.diagonal(factor, axis1=-2, axis2=-1)
    rows, columns = np.tril_indices(factor.shape[-1], -1)
    unit = factor / diagonal[..., None]  # positive: a Cholesky factor
    return jnp.log(diagonal), unit[..., rows, columns]


def solve_unit_lower(packed: Array, b: Array) -> Array:
    """Solve unit_lower(packed) z = b, for one right-hand side of shape (size,)."""
    matrix = unit_lower(packed, b.shape[-1])
    return jax.scipy.linalg.solve_triangular(matrix, b, lower=True, unit_diagonal=True)


def inverse_unit_lower(packed: Array, size: int) -> Array:
    """Return the inverses of unit lower triangular matrices, shape (*batch, size, size)."""
    matrix = unit_lower(packed, size)
    identity = jnp.broadcast_to(jnp.eye(size, dtype=packed.dtype), matrix.shape)
    return jax.lax.linalg.triangular_solve(
        matrix, identity, left_side=True, lower=True, unit_diagonal=True
    )
