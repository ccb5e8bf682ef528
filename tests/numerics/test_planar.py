"""Planar, radial and Sylvester maps against dense Jacobians and SciPy's root finder, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from pushforward.numerics import planar

BEND = {"tanh": np.tanh, "leaky_relu": lambda a: np.where(a >= 0, a, 0.1 * a)}
SLOPE = {"tanh": lambda a: 1 / np.cosh(a) ** 2, "leaky_relu": lambda a: np.where(a >= 0, 1.0, 0.1)}


def held(s):
    """m of s in the docstring of `planar`."""
    return s if s >= 0 else 0.999 * np.expm1(s / 0.999)


def test_ridge_against_brentq():
    random = np.random.default_rng(0)
    a = random.normal(size=400) * 10.0 ** random.uniform(-6, 2, size=400)
    m = np.where(
        random.random(400) < 0.5, -0.999 * random.random(400), 10.0 ** random.uniform(-3, 6, size=400)
    )
    m[:20], m[20:40] = -0.999, 0.0
    target = a + m * np.tanh(a)
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(planar.ridge, static_argnames="bend")(target, m, bend="tanh"))
    for number, strength, value in zip(target, m, found, strict=True):
        end = abs(number) + abs(strength) + 1e-3
        root = scipy.optimize.brentq(
            lambda a, s=strength, t=number: a + s * np.tanh(a) - t, -end, end, xtol=1e-300, rtol=8.9e-16
        )
        # The residual can be no smaller than its own rounding.
        rounding = 4e-16 * (abs(number) + abs(root) + abs(strength * np.tanh(root)))
        slope = 1 + strength / np.cosh(min(abs(root), 300)) ** 2
        assert abs(value - root) <= 1e-15 * abs(root) + rounding / slope


def test_ridge_at_the_ends_of_float32():
    largest = np.finfo(np.float32).max
    target = np.array([0.0, -0.0, 1e-36, 1e30, -largest, np.inf, -np.inf, np.nan, 0.9e6], np.float32)
    m = np.array([-0.999, 5.0, -0.999, 1e6, -0.5, 2.0, -0.5, 1.0, 1e6], np.float32)

    def total(target, m):
        return jnp.sum(planar.ridge(target, m, bend="tanh"))

    found, slopes = jax.jit(
        lambda t, m: (planar.ridge(t, m, bend="tanh"), jax.grad(total, argnums=(0, 1))(t, m))
    )(target, m)
    np.testing.assert_array_equal(found[:2], 0)
    np.testing.assert_allclose(found[2], 1e-33, rtol=1e-2)
    np.testing.assert_array_equal(found[3:8], [np.float32(1e30), -largest, np.inf, -np.inf, np.nan])
    np.testing.assert_allclose(found[8], np.arctanh(0.9 - found[8] / 1e6), rtol=1e-6)
    assert np.isfinite(slopes[0][np.array([0, 1, 2, 3, 4, 5, 6, 8])]).all()
    assert np.isfinite(slopes[1][np.array([0, 1, 2, 3, 4, 5, 6, 8])]).all()


@pytest.mark.parametrize("bend", ["tanh", "leaky_relu"])
def test_planar_against_the_dense_jacobian(bend):
    random = np.random.default_rng(1)
    with jax.enable_x64(True):
        forward, inverse = (
            jax.jit(lambda x, w, u, b, f=f: f(x, w, u, b, bend=bend))
            for f in (planar.planar, planar.planar_inverse)
        )
        for size in (0.3, 1.0, 4.0):
            x, w, u = size * random.normal(size=(3, 5))
            for strength in (u, -3 * w):  # the second folds the space where nothing holds it
                b = random.normal()
                whole = strength + (held(w @ strength) - w @ strength) * w / (w @ w)
                a = w @ x + b
                y, log_det = forward(x, w, strength, b)
                np.testing.assert_allclose(y, x + whole * BEND[bend](a), atol=1e-13)
                jacobian = np.eye(5) + SLOPE[bend](a) * np.outer(whole, w)
                sign, expected = np.linalg.slogdet(jacobian)
                assert sign == 1
                np.testing.assert_allclose(log_det, expected, atol=1e-11)
                back, log_det = inverse(y, w, strength, b)
                np.testing.assert_allclose(back, x, atol=1e-14 * np.linalg.cond(jacobian) * 100)
                np.testing.assert_allclose(log_det, -expected, atol=1e-11 * np.linalg.cond(jacobian))


def test_planar_is_a_shift_where_w_is_zero_and_near_it():
    """The paper's parameterisation goes to infinity there."""
    x, u = np.array([1.0, -2.0], np.float32), np.array([-3.0, 5.0], np.float32)
    for size in (0.0, 1e-30, 1e-12, 1e-6):
        w = size * np.array([1.0, 1.0], np.float32)
        y, log_det = planar.planar(x, w, u, jnp.float32(0.5), bend="tanh")
        np.testing.assert_allclose(y, x + u * np.tanh(0.5), rtol=1e-4)
        np.testing.assert_allclose(log_det, 0, atol=1e-4)
    slopes = jax.grad(lambda w: jnp.sum(planar.planar(x, w, u, jnp.float32(0.5), bend="tanh")[0]))(
        jnp.zeros(2)
    )
    assert np.isfinite(slopes).all()


def test_planar_in_float32_comes_back_as_its_conditioning_allows():
    random = np.random.default_rng(2)
    there, back = (
        jax.jit(jax.vmap(lambda v, w, u, f=f: f(v, w, u, jnp.float32(0.3), bend="tanh"), (0, None, None)))
        for f in (planar.planar, planar.planar_inverse)
    )
    for _ in range(4):
        w, u = np.float32(3 * random.normal(size=(2, 8)))
        x = np.float32(random.normal(size=(200, 8)))
        y = np.asarray(there(x, w, u)[0])
        error = np.linalg.norm(np.asarray(back(y, w, u)[0], np.float64) - x, axis=1)
        whole = u + (held(np.float64(w @ u)) - w @ u) * w / (w @ w)
        slopes = SLOPE["tanh"](x @ w + 0.3)
        jacobians = np.eye(8) + slopes[:, None, None] * np.outer(whole, w)
        conditioned = np.linalg.norm(np.linalg.inv(jacobians), axis=(1, 2), ord=2)
        assert (error <= 1e-6 * (1 + np.linalg.norm(y, axis=1)) * conditioned).all()


@pytest.mark.parametrize("raw", [-30.0, -1.0, 0.0, 0.7, 40.0])
def test_radial_against_the_dense_jacobian(raw):
    random = np.random.default_rng(3)
    alpha, centre = 0.6, random.normal(size=4)
    beta = alpha * held(raw)
    assert beta > -alpha
    for size in (0.01, 1.0, 100.0):
        x = centre + size * random.normal(size=4)
        r = np.linalg.norm(x - centre)
        h = 1 / (alpha + r)
        with jax.enable_x64(True):
            y, log_det = planar.radial(x, centre, jnp.log(alpha), jnp.array(raw))
            back, other = planar.radial_inverse(y, centre, jnp.log(alpha), jnp.array(raw))
        np.testing.assert_allclose(y, x + beta * h * (x - centre), rtol=1e-13)
        jacobian = (1 + beta * h) * np.eye(4) - beta * h**2 * np.outer(x - centre, x - centre) / r
        np.testing.assert_allclose(log_det, np.linalg.slogdet(jacobian)[1], atol=1e-11)
        np.testing.assert_allclose(back, x, atol=1e-12 * size * np.linalg.cond(jacobian))
        np.testing.assert_allclose(other, -log_det, atol=1e-11)


def test_radial_at_and_far_from_its_centre():
    centre = np.array([1.0, 2.0, 3.0], np.float32)
    points = np.stack([centre, centre + np.float32(1e-30), np.full(3, 1.7e38, np.float32)])
    parameters = (centre, jnp.float32(0.2), jnp.float32(-0.7))
    for function in (planar.radial, planar.radial_inverse):
        value, log_det = jax.vmap(lambda x, f=function: f(x, *parameters))(points)
        np.testing.assert_allclose(value, points, rtol=1e-6)
        slopes = jax.vmap(jax.grad(lambda x, f=function: f(x, *parameters)[1]))(points)
        np.testing.assert_allclose(slopes, 0, atol=1e-6)
        assert np.isfinite(log_det).all()
    near = planar.radial(centre, *parameters)[1]
    np.testing.assert_allclose(near, 3 * np.log1p(held(np.float64(-0.7))), rtol=1e-5)


def test_radial_inverse_in_float32_does_not_cancel_at_a_strong_push():
    """With the root in its other form points are off by 5e-4."""
    r = np.random.default_rng(4).uniform(0.01, 0.9, size=50)
    x = r[:, None] * np.array([0.6, -0.8, 0.0])
    t = 1 / (1 + r)
    y = np.float32(x * (1 + 3e4 * t)[:, None])
    parameters = (jnp.zeros(3), jnp.float32(0), jnp.float32(3e4))
    back, log_det = jax.jit(jax.vmap(lambda y: planar.radial_inverse(y, *parameters)))(y)
    np.testing.assert_allclose(back, x, rtol=2e-6)
    np.testing.assert_allclose(log_det, -2 * np.log1p(3e4 * t) - np.log1p(3e4 * t**2), rtol=1e-6)


@pytest.mark.parametrize("bend", ["tanh", "leaky_relu"])
@pytest.mark.parametrize(("width", "count"), [(2, 2), (5, 3), (5, 0)])
def test_sylvester_against_the_dense_jacobian(bend, width, count):
    random = np.random.default_rng(width + count)
    vectors = random.normal(size=(count, 5))
    Q = np.eye(5)
    for v in vectors:
        Q = Q @ (np.eye(5) - 2 * np.outer(v, v) / (v @ v))
    Q = Q[:, :width]
    outer, inner = random.normal(size=(2, width, width))
    diagonals, b = 1.5 * random.normal(size=(2, width)), random.normal(size=width)
    diagonals[:, 0] = [-2.0, 3.0]  # held back
    S = np.triu(inner, 1) + np.diag(diagonals[1])
    products = np.array([held(s) for s in diagonals[0] * diagonals[1]])
    R = np.triu(outer, 1) + np.diag(products / diagonals[1])
    x = random.normal(size=5)
    parameters = (vectors, outer, inner, diagonals, b)
    with jax.enable_x64(True):
        y, log_det = jax.jit(lambda x: planar.sylvester(x, *parameters, bend=bend))(x)
        back, other = jax.jit(lambda y: planar.sylvester_inverse(y, *parameters, bend=bend))(np.asarray(y))
    a = S @ Q.T @ x + b
    np.testing.assert_allclose(y, x + Q @ R @ BEND[bend](a), atol=1e-12)
    jacobian = np.eye(5) + Q @ R @ np.diag(SLOPE[bend](a)) @ S @ Q.T
    sign, expected = np.linalg.slogdet(jacobian)
    assert sign == 1
    np.testing.assert_allclose(log_det, expected, atol=1e-11)
    np.testing.assert_allclose(back, x, atol=1e-13 * np.linalg.cond(jacobian))
    np.testing.assert_allclose(other, -expected, atol=1e-12 * np.linalg.cond(jacobian))


def test_sylvester_inverts_where_the_inner_triangle_is_singular():
    diagonals = jnp.array([[-1.0, 2.0], [0.0, -0.5]])
    matrix = jnp.array([[0.0, 1.5], [0.0, 0.0]])
    x = jnp.array([0.3, -0.8])
    parameters = (jnp.zeros((0, 2)), matrix, matrix, diagonals, jnp.ones(2))
    y, log_det = planar.sylvester(x, *parameters, bend="tanh")
    back, other = planar.sylvester_inverse(y, *parameters, bend="tanh")
    np.testing.assert_allclose(back, x, atol=1e-6)
    np.testing.assert_allclose(other, -log_det, atol=1e-6)
