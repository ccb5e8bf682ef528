import functools
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import (
    LU,
    PLU,
    QR,
    Orthogonal,
    Planar,
    Radial,
    Sylvester,
    Triangular,
    TriangularLowRank,
)
from pushforward.errors import ConfigError


def test_it_is_the_product_of_its_triangles(randomised):
    """What lies in the unused triangles must not count."""
    lu = randomised(lambda: LU(4), scale=1.0)
    lower = np.tril(lu.lower, -1) + np.eye(4)
    upper = np.triu(lu.upper, 1) + np.diag(np.exp(lu.log_diagonal))
    x = np.array([0.3, -1.0, 2.0, 0.1], np.float32)
    y, log_det = lu.forward_and_log_det(x)
    np.testing.assert_allclose(y, lower @ upper @ x + lu.shift, rtol=1e-5)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(lower @ upper)[1], rtol=1e-5)
    back, log_det = lu.inverse_and_log_det(y)
    np.testing.assert_allclose(back, np.linalg.solve(lower @ upper, y - lu.shift), rtol=1e-4)
    np.testing.assert_allclose(log_det, -np.linalg.slogdet(lower @ upper)[1], rtol=1e-5)


def test_without_a_key_it_starts_as_the_identity():
    x = jnp.array([1.0, -2.0, 3.0])
    np.testing.assert_array_equal(LU(3).forward(x), x)


def test_a_key_draws_small_triangles():
    lu = LU(50, key=jr.key(0))
    assert 0 < np.abs(lu.lower).max() <= 0.1 / 50**0.5
    np.testing.assert_array_equal(lu.lower, np.tril(lu.lower, -1))
    np.testing.assert_array_equal(lu.upper, np.triu(lu.upper, 1))
    assert np.abs(lu.upper).max() > 0
    assert np.linalg.cond(jax.jacfwd(lu.forward)(jnp.zeros(50))) < 2


def test_all_arrays_are_buffers_of_their_own():
    """A buffer that stands twice in a tree cannot be donated."""
    lu = LU(3)
    assert lu.lower.unsafe_buffer_pointer() != lu.upper.unsafe_buffer_pointer()


def test_triangular_is_its_triangle(randomised):
    upper = randomised(lambda: Triangular(4, lower=False), scale=1.0)
    matrix = np.triu(upper.weights, 1) + np.diag(np.exp(upper.log_diagonal))
    x = np.array([0.3, -1.0, 2.0, 0.1], np.float32)
    y, log_det = upper.forward_and_log_det(x)
    np.testing.assert_allclose(y, matrix @ x + upper.shift, rtol=1e-5)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(matrix)[1], rtol=1e-5)


def test_plu_is_the_papers_formula(randomised):
    """P, L, U and s multiplied out, with signs; the fixture's order is the reversed one."""
    plu = randomised(lambda: PLU(4, key=jr.key(0)), scale=1.0)
    plu = eqx.tree_at(lambda layer: layer.negative, plu, jnp.array([True, False, False, True]))
    signs = np.array([-1, 1, 1, -1])
    lower = np.tril(plu.lower, -1) + np.eye(4)
    upper = np.triu(plu.upper, 1) + np.diag(signs * np.exp(plu.log_diagonal))
    matrix = np.eye(4)[::-1] @ lower @ upper
    x = np.array([0.3, -1.0, 2.0, 0.1], np.float32)
    y, log_det = plu.forward_and_log_det(x)
    np.testing.assert_allclose(y, matrix @ x + plu.shift, rtol=1e-5)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(matrix)[1], rtol=1e-5)
    back, _ = plu.inverse_and_log_det(y)
    np.testing.assert_allclose(back, x, rtol=1e-4, atol=1e-4)


def test_plu_starts_as_a_random_rotation():
    """At an order that is not its own inverse, so that the two cannot be confused."""
    plu = PLU(6, key=jr.key(0))
    assert plu.order.tolist() != plu.inverse_order.tolist()
    np.testing.assert_array_equal(plu.order[plu.inverse_order], range(6))
    there, back = (jax.jit(jax.vmap(f, out_axes=1))(jnp.eye(6)) for f in (plu.forward, plu.inverse))
    rotation = jnp.linalg.qr(jr.normal(jr.key(0), (6, 6)))[0]
    np.testing.assert_allclose(there, rotation, atol=1e-5)
    np.testing.assert_allclose(back, rotation.T, atol=1e-5)
    np.testing.assert_allclose(jnp.sum(plu.log_diagonal), 0, atol=1e-5)


def test_triangular_low_rank_against_dense(randomised):
    """Both directions at parameters for which D is held down."""
    layer = randomised(lambda: TriangularLowRank(5, 2, key=jr.key(0)), seed=3, scale=1.5)
    lower = np.tril(layer.weights, -1) + np.diag(np.exp(np.float64(layer.log_diagonal)))
    vectors = np.float64(layer.vectors)
    overlap = vectors.T @ np.linalg.solve(lower, vectors)
    mean = (overlap + overlap.T) / 2
    held = np.maximum(0, np.abs(mean).sum(1) - np.abs(np.diag(mean)) - np.diag(mean))
    assert held.max() > 0
    matrix = lower + vectors @ np.diag(1 / (np.exp(np.float64(layer.raw)) + held)) @ vectors.T
    x = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    y, log_det = jax.jit(jax.vmap(layer.forward_and_log_det))(x)
    np.testing.assert_allclose(y, x @ matrix.T + layer.shift, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(matrix)[1], rtol=1e-4)
    back, log_det = jax.jit(jax.vmap(layer.inverse_and_log_det))(y)
    np.testing.assert_allclose(back, x, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(log_det, -np.linalg.slogdet(matrix)[1], rtol=1e-4)


@pytest.mark.parametrize("rank", [0, 4, 1.0])
def test_rank_that_does_not_fit(rank):
    message = f"TriangularLowRank: expected a rank that is a whole number from 1 to 3, got {rank}."
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        TriangularLowRank(3, rank, key=jr.key(0))


@pytest.mark.parametrize(
    "build",
    [
        lambda: Triangular(8),
        lambda: PLU(8),
        lambda: QR(8),
        lambda: Orthogonal(8, reflections=2),
        lambda: Orthogonal(8, method="cayley"),
        lambda: TriangularLowRank(8, 2, key=jr.key(0)),
    ],
    ids=["Triangular", "PLU", "QR", "Orthogonal", "Orthogonal-cayley", "TriangularLowRank"],
)
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_no_event_multiplies_two_matrices(build, direction):
    """What a batch adds to the program's operands is a vector an event: every product has at most two free axes."""
    layer = build()
    events = jax.ShapeDtypeStruct((5, 8), np.float32)
    program = jax.make_jaxpr(jax.vmap(getattr(layer, f"{direction}_and_log_det")))(events)
    sizes = [
        max(variable.aval.size for variable in equation.invars if hasattr(variable, "aval"))
        for equation in _products(program.jaxpr)
    ]
    assert sizes
    assert max(sizes) <= 64  # a matrix for each of the 5 events would have 320


def _products(jaxpr):
    for equation in jaxpr.eqns:
        if equation.primitive.name in ("dot_general", "triangular_solve", "lu"):
            yield equation
        for value in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda v: hasattr(v, "eqns")):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from _products(inner)


@pytest.mark.parametrize("features", [0, -1, 2.5, "3", True])
@pytest.mark.parametrize(
    "build",
    [
        LU,
        Triangular,
        PLU,
        Orthogonal,
        QR,
        Planar,
        Radial,
        Sylvester,
        functools.partial(TriangularLowRank, rank=1),
    ],
    ids=lambda build: getattr(build, "__name__", "TriangularLowRank"),
)
def test_a_vector_has_a_whole_number_of_features(build, features):
    with pytest.raises(ConfigError) as caught:
        build(features, key=jr.key(0))
    name = getattr(build, "__name__", "TriangularLowRank")
    assert (
        str(caught.value)
        == f"{name}: expected features to be a whole number of at least 1, got {features!r}."
    )
