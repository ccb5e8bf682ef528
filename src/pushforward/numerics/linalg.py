"""Structured matrices as products with vectors: triangles, orthogonal matrices, triangular plus low rank."""

from typing import Literal

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jaxtyping import Array

from .products import full_precision, matmul

OrthogonalMethod = Literal["householder", "cayley", "exp"]


def triangle(weights: Array, log_diagonal: Array, *, lower: bool) -> Array:
    """Return a triangular matrix with a positive diagonal; its log-determinant is the sum of `log_diagonal`.

    Args:
        weights: shape (n, n); what stands on the diagonal and beyond has no influence.
        log_diagonal: logarithms of the diagonal, shape (n,).
        lower: below the diagonal, or above it.
    """
    rest = jnp.tril(weights, -1) if lower else jnp.triu(weights, 1)
    return rest + jnp.diag(jnp.exp(log_diagonal))


def signed_triangle(weights: Array, log_diagonal: Array, signs: Array) -> Array:
    """Return an upper triangular matrix with the diagonal signs * exp(log_diagonal); see `triangle`."""
    return jnp.triu(weights, 1) + jnp.diag(signs * jnp.exp(log_diagonal))


def unit_triangle(weights: Array, *, lower: bool) -> Array:
    """Return a triangular matrix with ones on the diagonal; arguments as for `triangle`."""
    rest = jnp.tril(weights, -1) if lower else jnp.triu(weights, 1)
    return rest + jnp.eye(weights.shape[0], dtype=weights.dtype)


def solve_triangle(matrix: Array, y: Array, *, lower: bool, transpose: bool = False) -> Array:
    """Return x with matrix @ x = y, of shape (n,) or (n, columns), by substitution: n^2 multiplications a column.

    Under `jax.vmap` over y alone all right-hand sides are one call. Its error is small element by element (Higham
    2002, Accuracy and Stability of Numerical Algorithms, theorem 8.5).
    """
    return jsl.solve_triangular(matrix, y, lower=lower, trans=1 if transpose else 0)


def skew(weights: Array) -> Array:
    """Return the skew-symmetric matrix with the entries of `weights` below its diagonal, shape (n, n)."""
    below = jnp.tril(weights, -1)
    return below - below.T


def unit_rows(vectors: Array) -> Array:
    """Return every row divided by its length; a row of zeros stays zero.

    Args:
        vectors: shape (rows, columns), finite.

    Gradients: those of v / |v|, and for a zero row those at a distance of 1, which are finite.
    """
    # Divided by the largest element first, the squares neither overflow nor all vanish. As a factor of the length, it
    # cancels, so it needs no gradient. In two steps, as the reciprocal of a number near the largest float is zero
    # where subnormal numbers are.
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(vectors), axis=1, keepdims=True))
    root = 1 / jnp.sqrt(jnp.where(largest > 0, largest, 1.0))
    scaled = vectors * root * root
    squared = jnp.sum(scaled**2, axis=1, keepdims=True)  # at least 1, or 0 for a row of zeros
    return scaled / jnp.sqrt(jnp.where(squared > 0, squared, 1.0))


def reflections(vectors: Array) -> tuple[Array, Array]:
    """Return U and S^-1 U of a product of Householder reflections Q = H_1 ... H_k = I - U^T S^-1 U.

    H_i = I - 2 u_i u_i^T with the unit vectors u_i, the rows of U; S is upper triangular with U U^T above its
    diagonal and 1/2 on it, so it is never singular. Proof by induction on k, with Q_k = Q_(k-1) H_k: what is new is
    -2 u_k u_k^T + 2 U^T S^-1 U u_k u_k^T, and a column g = U u_k above 1/2 in S gives S^-1 the column
    (-2 S^-1 g, 2). Two products with a vector then apply all reflections, where one after the other takes k steps.

    Args:
        vectors: shape (k, n), of any length; one of zeros stands for H = I.

    Returns:
        Two arrays of shape (k, n), formed in k^2 (n + k / 2) multiplications.

    Reference: Joffrain et al. 2006, Accumulating Householder transformations, revisited, ACM Trans. Math. Softw. 32,
        section 3 (the UT transform).
    """
    units = unit_rows(vectors)
    factor = jnp.triu(matmul(units, units.T), 1) + 0.5 * jnp.eye(units.shape[0], dtype=units.dtype)
    return units, solve_triangle(factor, units, lower=False)


def reflect(vectors: Array, x: Array, *, transpose: bool = False) -> Array:
    """Return Q x, or Q^T x, with the product Q of Householder reflections of `reflections`.

    Args:
        vectors: shape (k, n).
        x: shape (n,).
        transpose: apply Q^T, the inverse of Q.

    Gradients: see `unit_rows`.
    Accuracy: float32 and float64, Q^T Q = I within 1e-6 and 1e-14 (tests/numerics/test_linalg.py).
    Reference: Tomczak and Welling 2016, Improving Variational Auto-Encoders using Householder Flow, arXiv:1611.09630,
        section 3.
    """
    units, weighted = reflections(vectors)
    left, right = (weighted, units) if transpose else (units, weighted)
    return x - matmul(left.T, matmul(right, x))


def cayley(matrix: Array, x: Array) -> Array:
    """Return Q x with Cayley's orthogonal matrix Q = (I - A) (I + A)^-1 of a skew-symmetric A.

    I + A is never singular, as the eigenvalues of A are imaginary. With u = (I + A)^-1 x, Q x = (I - A) u is
    2 u - x. For Q^T x give -A. Every rotation without the eigenvalue -1 is such a Q.

    Args:
        matrix: skew-symmetric, shape (n, n). Its factorisation does not depend on x: under `jax.vmap` it is found once.
        x: shape (n,).
    """
    identity = jnp.eye(matrix.shape[0], dtype=matrix.dtype)
    return 2 * jnp.linalg.solve(identity + matrix, x) - x


def rotate(weights: Array, x: Array, *, method: OrthogonalMethod, transpose: bool = False) -> Array:
    """Return Q x, or Q^T x, with an orthogonal matrix Q; |det Q| = 1.

    Args:
        weights: "householder": k vectors, shape (k, n), see `reflect`. Else shape (n, n), of which `skew` makes
            A: "cayley": see `cayley`; "exp": Q = exp(A), which reaches every rotation; for |A| up to 1e5.
        x: shape (n,).
        method: how the weights become a matrix.
        transpose: apply Q^T, the inverse of Q.
    """
    if method == "householder":
        return reflect(weights, x, transpose=transpose)
    generator = -skew(weights) if transpose else skew(weights)
    if method == "cayley":
        return cayley(generator, x)
    with full_precision():
        # The exponential does not depend on x: under vmap it is formed once.
        return matmul(jsl.expm(generator), x)


def stiffness(raw: Array, overlap: Array) -> Array:
    """Return s > 0 with which diag(s) + K is never singular, and its determinant positive, for any square K.

    s_i = exp(raw_i) + max(0, sum over j != i of |K_ij + K_ji| / 2 - K_ii).

    Proof: the symmetric part of diag(s) + K has the diagonal s_i + K_ii > sum over j != i of |K_ij + K_ji| / 2, the sum
    of the other absolute entries of its row. It is strictly diagonally dominant with a positive diagonal, so positive
    definite by Gershgorin's theorem. Hence v^T (diag(s) + K) v > 0 for every v != 0, and no such v is sent to
    zero. The eigenvalues have positive real parts (take v complex), the complex ones come in conjugate pairs, so their
    product is positive.

    Args:
        raw: unconstrained, shape (r,).
        overlap: K, shape (r, r).
    """
    symmetric = (overlap + overlap.T) / 2
    diagonal = jnp.diag(symmetric)
    others = jnp.sum(jnp.abs(symmetric - jnp.diag(diagonal)), axis=1)
    return jnp.exp(raw) + jax.nn.relu(others - diagonal)


def low_rank_update(matrix: Array, vectors: Array, raw: Array) -> tuple[Array, Array, Array]:
    """Complete a lower triangular M with positive diagonal by a low-rank term, so that W = M + V D V^T is regular.

    By the matrix determinant lemma det W = det M det(I + D K) = det M det D det(D^-1 + K), with K = V^T M^-1 V.
    `stiffness` chooses D^-1 so that the last factor is positive whatever M, V and raw are; so are the others, hence
    W is always invertible, with det W > 0. M and V are free: the price is that D is smaller where K is far from
    positive definite. By Woodbury's identity W^-1 y = u - B V^T u with u = M^-1 y and B = M^-1 V (D^-1 + K)^-1.

    Args:
        matrix: M, lower triangular with a positive diagonal, shape (n, n).
        vectors: V, shape (n, r).
        raw: unconstrained, shape (r,).

    Returns:
        The diagonal of D, shape (r,); B, shape (n, r); log det W - log det M, a scalar in nats. Found once for a
        batch in n^2 r + n r^2 + r^3 multiplications.

    Accuracy: against dense slogdet and solve in float64 (tests/numerics/test_linalg.py::test_low_rank_against_dense).
    """
    solved = solve_triangle(matrix, vectors, lower=True)
    overlap = matmul(vectors.T, solved)
    stiff = stiffness(raw, overlap)
    factors = jsl.lu_factor(jnp.diag(stiff) + overlap)
    back = jsl.lu_solve(factors, solved.T, trans=1).T
    # Neither D^-1 nor a pivot is zero, see `stiffness`.
    log_det = jnp.sum(jnp.log(jnp.abs(jnp.diag(factors[0])))) - jnp.sum(jnp.log(stiff))
    return 1 / stiff, back, log_det
