"""The fixed point against SciPy, its certificate against functions that are no contractions, its gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from pushforward.numerics.contractions import inverse_of_contraction, most_turns, solve_contraction

RANDOM = np.random.default_rng(0)


def _matrix(n, norm):
    matrix = RANDOM.normal(size=(n, n))
    return norm * matrix / np.linalg.norm(matrix, 2)


def _waves(weight):
    """A contraction by the norm of `weight`: slopes of sin are within [-1, 1]."""
    return lambda x: weight @ jnp.sin(x)


_solve = jax.jit(lambda weight, y: solve_contraction(_waves(weight), y, 0.97))


@pytest.mark.parametrize("norm", [0.1, 0.97])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_root_is_found_to_rounding(n, norm):
    """Against scipy.optimize.root in float64; float32 within what the certificate allows."""
    weight, y = _matrix(n, norm), 3 * RANDOM.normal(size=n)
    weight = weight.astype(np.float32).astype(float)
    y = y.astype(np.float32).astype(float)
    expected = scipy.optimize.root(lambda x: x + weight @ np.sin(x) - y, y, tol=1e-14, method="hybr").x
    with jax.enable_x64(True):
        found = _solve(weight, y)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    single = _solve(weight.astype(np.float32), y.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=33 * 1.2e-7 * (1 + np.linalg.norm(y)))


def test_worst_case_is_found_within_the_promised_turns():
    """g(x) = -c x contracts by no more than c; plain iteration, in which acceleration would have no part."""
    turns = most_turns(0.97, float(np.finfo(np.float32).eps))
    assert turns == 2 * 524 + 20
    x = solve_contraction(lambda x: -0.97 * x, jnp.array([1.0, -2.0, 5.0]), 0.97)
    np.testing.assert_allclose(x, np.array([1.0, -2.0, 5.0]) / 0.03, rtol=1e-4)
    # A rotation: no step can be guessed from one direction, and each plain one gains a factor of c.
    angle = np.deg2rad(100)
    turn = 0.97 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    y = np.array([1.0, 2.0], np.float32)
    np.testing.assert_allclose(
        solve_contraction(lambda x: turn @ x, y, 0.97), np.linalg.solve(np.eye(2) + turn, y), rtol=1e-5
    )


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e4, 1.7e38])
def test_targets_of_any_size(size):
    weight = _matrix(3, 0.5).astype(np.float32)
    y = np.float32(size) * np.array([1, -1, 1], np.float32)
    x = np.asarray(_solve(weight, y), float)
    np.testing.assert_allclose(x + weight @ np.sin(x), y, rtol=3e-6, atol=1e-6)
    if size == 0:
        np.testing.assert_array_equal(x, np.zeros(3))


@pytest.mark.parametrize(
    ("name", "g"),
    [
        ("expands, and every plain step leads away", lambda x: 3 * x),
        ("expands, yet acceleration would find the root", lambda x: -3 * x),
        ("expands between waves", lambda x: 2.5 * jnp.sin(3 * x)),
        ("jumps", lambda x: jnp.where(x > 0.5, 2.0, -2.0)),
        ("is NaN", lambda x: x * jnp.nan),
    ],
)
def test_the_certificate_is_refused(name, g):
    """All claim a constant of 0.9: NaN comes, never a point that only looks like a root."""
    x = solve_contraction(g, jnp.array([0.4, 1.0]), 0.9)
    assert np.isnan(x).all(), name


def test_no_root_is_no_result():
    """x + g(x) = y has no solution for a function that is no contraction: x - x = 1."""
    assert np.isnan(solve_contraction(lambda x: -x, jnp.array([1.0]), 0.97)).all()


def test_nan_in_the_target_stays_nan_and_spoils_no_other_row():
    weight = _matrix(2, 0.5).astype(np.float32)
    rows = np.array([[np.nan, 1.0], [1.0, 2.0]], np.float32)
    found = jax.jit(jax.vmap(_solve, (None, 0)))(weight, rows)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], _solve(weight, rows[1]), rtol=1e-6)


def test_gradients_are_those_of_the_inverse():
    """Against dense linear algebra, in both modes, with respect to y and to what g closes over; and once more."""
    weight, y, weights = _matrix(4, 0.9), RANDOM.normal(size=4), RANDOM.normal(size=4)

    def loss(weight, y):
        return weights @ inverse_of_contraction(_waves(weight), y, 0.9)

    def dense(weight, y):
        """The same by Newton's steps, which are differentiated: from the root two of them are exact twice over."""
        x = jax.lax.stop_gradient(inverse_of_contraction(_waves(weight), y, 0.9))
        for _ in range(2):
            jacobian = jnp.eye(4) + weight * jnp.cos(x)
            x = x - jnp.linalg.solve(jacobian, x + weight @ jnp.sin(x) - y)
        return weights @ x

    def both(function):
        first = jax.grad(function, (0, 1))
        second = jax.grad(lambda w, y: jnp.sum(first(w, y)[0] ** 2) + jnp.sum(first(w, y)[1] ** 2), (0, 1))
        return first(weight, y), jax.jacfwd(function, (0, 1))(weight, y), second(weight, y)

    with jax.enable_x64(True):
        found, expected = jax.jit(lambda: both(loss))(), jax.jit(lambda: both(dense))()
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10), found, expected)
