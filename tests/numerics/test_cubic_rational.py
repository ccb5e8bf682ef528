"""The line with a bump against the paper's formula, and its root against bisection."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from pushforward.numerics import cubic_rational as module
from pushforward.numerics.cubic_rational import MAX_BUMP, cubic_rational, cubic_rational_inverse

ROWS = 2000


def papers(x, a, b, c, d, g):
    return a + b * x + c / (1 + (d * x + g) ** 2)


def coefficients(shift, log_scale, log_width, centre, bump):
    """The paper's a, b, c, d, g; c is a share of what leaves the map increasing."""
    b, d = np.exp(log_scale), np.exp(log_width)
    return shift, b, MAX_BUMP * np.tanh(bump) * 8 * np.sqrt(3) / 9 * b / d, d, centre


def draw(rows, dtype=np.float64, scale=1.0):
    random = np.random.default_rng(0)
    return [
        (6 * random.normal(size=rows)).astype(dtype),
        *(scale * random.normal(size=(5, rows))).astype(dtype),
    ]


FORWARD, INVERSE = jax.jit(cubic_rational), jax.jit(cubic_rational_inverse)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 3e-6)])
def test_it_is_the_papers_formula(dtype, tolerance):
    arguments = draw(ROWS, dtype)
    x, *params = (a.astype(np.float64) for a in arguments)
    with jax.enable_x64(dtype == np.float64):
        y, log_dydx = FORWARD(*arguments)
    a, b, c, d, g = coefficients(*params)
    expected = papers(x, a, b, c, d, g)
    np.testing.assert_allclose(y, expected, rtol=tolerance, atol=10 * tolerance)
    slope = b - 2 * c * d * (d * x + g) / (1 + (d * x + g) ** 2) ** 2
    assert slope.min() > 0
    assert np.quantile(slope / b, 0.01) < 0.5
    np.testing.assert_allclose(log_dydx, np.log(slope), rtol=tolerance, atol=30 * tolerance)


def test_the_root_is_that_of_bisection():
    y, *params = draw(200, scale=2.0)
    with jax.enable_x64(True):
        x, log_dxdy = INVERSE(y, *params)
        log_dydx = FORWARD(np.asarray(x), *params)[1]
    for row in range(200):
        known = coefficients(*(p[row] for p in params))
        reach = 2 * (abs(y[row] - known[0]) + abs(known[2])) / known[1] + 1
        root = brentq(lambda v, k=known, t=y[row]: papers(v, *k) - t, -reach, reach, xtol=1e-14, rtol=1e-14)
        np.testing.assert_allclose(x[row], root, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(log_dxdy, -np.asarray(log_dydx), atol=1e-10)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-15), (np.float32, 5e-7)])
def test_round_trip(dtype, tolerance):
    """With bumps up to the largest, an error of a few roundings of x, y, shift, and what the slope makes of them."""
    arguments = draw(ROWS, dtype, scale=2.0)
    x, params = arguments[0], arguments[1:]
    x[:50] = ((np.sign(params[4]) / np.sqrt(3) - params[3]) / np.exp(params[2]))[
        :50
    ]  # where the slope is least
    with jax.enable_x64(dtype == np.float64):
        for first, second in ((FORWARD, INVERSE), (INVERSE, FORWARD)):
            middle, log_slope = (np.asarray(a) for a in first(x, *params))
            back = np.asarray(second(middle, *params)[0])
            scale, width = np.exp(params[1].astype(float)), np.exp(params[2].astype(float))
            size = 1 + np.abs(x) + np.abs(params[0]) + (1 + np.abs(params[3])) * (1 + scale) / width
            stretch = 1 + (1 + np.abs(middle) + np.abs(params[0]) + size * scale) / np.exp(
                log_slope.astype(float)
            )
            assert (np.abs(back - x) / (size + stretch)).max() < tolerance


def test_the_root_takes_eleven_steps(monkeypatch):
    """On a grid with the largest bump and targets at the bend, where the cubic is nearest to a triple root."""
    monkeypatch.setattr(module, "_STEPS", 11)
    u = np.concatenate(
        [np.linspace(-4, 4, 2001), 3**-0.5 + np.linspace(-1e-3, 1e-3, 101), [1e3, -1e3, 1e8, -1e8]]
    )
    k = np.linspace(-1, 1, 41) * MAX_BUMP * 8 * np.sqrt(3) / 9
    u, k = (a.reshape(-1) for a in np.meshgrid(u, k))
    v = u + k / (1 + u**2)
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(lambda v, k: module._root(v, k))(v, k))
    assert (np.abs(found + k / (1 + found**2) - v) / (1 + np.abs(v))).max() < 1e-15


def test_derivatives_of_the_root_are_those_of_differences_to_second_order():
    v, k, step = jnp.asarray([0.3, -2.0, 0.8, 5.0]), jnp.asarray([1.2, -0.9, 0.4, -1.5]), 1e-4
    with jax.enable_x64(True):
        v, k = (np.asarray(a, np.float64) for a in (v, k))
        root = jax.jit(module._root)
        first = jax.jit(jax.vmap(jax.grad(module._root, (0, 1))))(v, k)
        second = jax.jit(jax.vmap(jax.hessian(module._root, (0, 1))))(v, k)
        for axis, (dv, dk) in enumerate(((step, 0), (0, step))):
            here, up, down = (np.asarray(root(v + s * dv, k + s * dk)) for s in (0, 1, -1))
            np.testing.assert_allclose(first[axis], (up - down) / (2 * step), rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(
                second[axis][axis], (up - 2 * here + down) / step**2, rtol=1e-4, atol=1e-5
            )


EDGES = np.float32([0, 1e-38, 1, 1e4, 1e15, 1e30, 1.7e38])


def test_values_and_gradients_are_finite_at_the_edges():
    random = np.random.default_rng(1)
    x, shift, centre, bump = (random.choice([*EDGES, *-EDGES], ROWS).astype(np.float32) for _ in range(4))
    scale, width = random.choice(np.float32([-3, 0, 3]), (2, ROWS))
    # Numbers whose sum or product with the scale float32 cannot hold are not asked for.
    x, shift = (np.clip(a, -1e36, 1e36) for a in (x, shift))
    for function in (cubic_rational, cubic_rational_inverse):
        both = jax.jit(jax.vmap(jax.value_and_grad(lambda *a, f=function: sum(f(*a)), tuple(range(6)))))
        value, gradients = both(x, shift, scale, width, centre, bump)
        assert np.isfinite(value).all()
        for gradient in gradients:
            assert np.isfinite(gradient).all()


def test_the_far_tails_are_the_line():
    x = np.float32([1e30, -1e30, np.inf, -np.inf, np.nan])
    for function, scale in ((FORWARD, 2.0), (INVERSE, 0.5)):
        y, log_slope = function(x, *np.float32([0, np.log(2.0), 0.5, 1, 9]))
        np.testing.assert_allclose(y, scale * x, rtol=1e-6)
        np.testing.assert_allclose(log_slope[:4], np.log(scale), rtol=1e-6)
