"""Structured matrices against their dense twins in NumPy, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.numerics import linalg


def dense_reflections(vectors):
    """H_1 H_2 ... H_k, multiplied out."""
    product = np.eye(vectors.shape[1])
    for v in vectors:
        length = v @ v
        product = product @ (np.eye(v.size) - 2 * np.outer(v, v) / length if length else np.eye(v.size))
    return product


def dense_exponential(matrix):
    """The series, of a matrix halved until it is small, and squared back."""
    small, term, total = matrix / 2**20, np.eye(len(matrix)), np.eye(len(matrix))
    for n in range(1, 12):
        term = term @ small / n
        total = total + term
    for _ in range(20):
        total = total @ total
    return total


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_reflections_against_their_dense_product(count):
    vectors = np.random.default_rng(count).normal(size=(count, 4)) * 10.0 ** np.arange(count)[:, None]
    matrix = dense_reflections(vectors)
    with jax.enable_x64(True):
        there, back = jax.jit(
            jax.vmap(
                lambda x: (linalg.reflect(vectors, x), linalg.reflect(vectors, x, transpose=True)), out_axes=1
            )
        )(np.eye(4))
    np.testing.assert_allclose(there, matrix, atol=1e-14)
    np.testing.assert_allclose(back, matrix.T, atol=1e-14)
    np.testing.assert_allclose(np.linalg.det(there), (-1) ** count)


def test_reflections_of_extreme_and_zero_vectors_are_finite():
    vectors = np.array(
        [[0.0, 0.0, 0.0], [3e38, -3e38, 3e38], [1e-30, 1e-30, 0.0], [1.0, 2.0, 3.0]], np.float32
    )

    def apply(vectors):
        return jax.vmap(lambda x: linalg.reflect(vectors, x), out_axes=1)(jnp.eye(3))

    matrix, gradient = jax.jit(lambda v: (apply(v), jax.grad(lambda v: jnp.sum(jnp.cos(apply(v))))(v)))(
        vectors
    )
    np.testing.assert_allclose(matrix, dense_reflections(np.float64(vectors)), atol=1e-6)
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(3), atol=1e-6)
    assert np.isfinite(gradient).all()


def test_cayley_and_exponential_against_dense():
    weights = np.random.default_rng(0).normal(size=(5, 5)) * 2
    below = np.tril(weights, -1)
    generator = below - below.T
    identity = np.eye(5)
    expected = {
        "cayley": (identity - generator) @ np.linalg.inv(identity + generator),
        "exp": dense_exponential(generator),
    }
    for method, matrix in expected.items():
        with jax.enable_x64(True):
            there, back = jax.jit(
                jax.vmap(
                    lambda x, m=method: (
                        linalg.rotate(weights, x, method=m),
                        linalg.rotate(weights, x, method=m, transpose=True),
                    ),
                    out_axes=1,
                )
            )(identity)
        there, back = np.asarray(there), np.asarray(back)
        np.testing.assert_allclose(there, matrix, atol=1e-9 if method == "exp" else 1e-13)
        np.testing.assert_allclose(back, there.T, atol=1e-13)
        np.testing.assert_allclose(there.T @ there, identity, atol=1e-13)


@pytest.mark.parametrize("lower", [True, False])
def test_triangles(lower):
    weights, log_diagonal = np.random.default_rng(0).normal(size=(4, 4)), np.array([0.1, -0.5, 1.0, 0.0])
    matrix = linalg.triangle(jnp.float32(weights), jnp.float32(log_diagonal), lower=lower)
    expected = (np.tril(weights, -1) if lower else np.triu(weights, 1)) + np.diag(np.exp(log_diagonal))
    np.testing.assert_allclose(matrix, expected, rtol=1e-6)
    unit = linalg.unit_triangle(jnp.float32(weights), lower=lower)
    np.testing.assert_allclose(unit, expected - np.diag(np.exp(log_diagonal)) + np.eye(4), rtol=1e-6)
    y = np.arange(4.0)
    solution = linalg.solve_triangle(matrix, y, lower=lower)
    np.testing.assert_allclose(solution, np.linalg.solve(expected, y), rtol=1e-5, atol=1e-6)
    solution = linalg.solve_triangle(matrix, y, lower=lower, transpose=True)
    np.testing.assert_allclose(solution, np.linalg.solve(expected.T, y), rtol=1e-5, atol=1e-6)


def test_stiffness_makes_any_matrix_positive_definite():
    """At random matrices of all sizes, at negative ones and at skew ones; otherwise no more than exp(raw)."""
    random = np.random.default_rng(0)
    overlaps = random.normal(size=(300, 5, 5)) * 10.0 ** random.uniform(-2, 3, size=(300, 1, 1))
    overlaps[:50] = -overlaps[:50] @ overlaps[:50].swapaxes(1, 2)
    overlaps[50:60] -= overlaps[50:60].swapaxes(1, 2)
    with jax.enable_x64(True):
        stiff = np.asarray(jax.jit(jax.vmap(linalg.stiffness))(random.normal(size=(300, 5)), overlaps))
        free = linalg.stiffness(jnp.zeros(3), np.diag([1.0, 2.0, 3.0]) + 0.1)
    assert (stiff > 0).all()
    whole = overlaps + np.eye(5) * stiff[:, None]
    assert np.linalg.eigvalsh(whole + whole.swapaxes(1, 2)).min() > 0
    assert (np.linalg.slogdet(whole)[0] == 1).all()
    np.testing.assert_array_equal(free, 1.0)


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_low_rank_against_dense(rank):
    """Also where M is far from positive definite, so that M + V D V^T with a free D would become singular."""
    random = np.random.default_rng(rank)
    with jax.enable_x64(True):
        update = jax.jit(linalg.low_rank_update)
        for size in (0.3, 3.0):
            matrix = np.tril(size * random.normal(size=(6, 6)), -1) + np.diag(np.exp(random.normal(size=6)))
            vectors, raw = random.normal(size=(6, rank)), random.normal(size=rank)
            diagonal, back, added = map(np.asarray, update(matrix, vectors, raw))
            assert (diagonal > 0).all()
            whole = matrix + vectors @ np.diag(diagonal) @ vectors.T
            sign, log_det = np.linalg.slogdet(whole)
            assert sign == 1
            np.testing.assert_allclose(added, log_det - np.log(np.diag(matrix)).sum(), rtol=1e-9, atol=1e-9)
            y = random.normal(size=6)
            solved = np.linalg.solve(matrix, y)
            error = np.linalg.cond(whole) * 1e-13
            np.testing.assert_allclose(
                solved - back @ (vectors.T @ solved), np.linalg.solve(whole, y), rtol=error, atol=error
            )
