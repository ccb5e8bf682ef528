"""Roots against SciPy's brentq, implicit derivatives against closed forms, and every refusal."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from pushforward.errors import NotConverged
from pushforward.numerics.roots import _middle_float, increasing_root

FUNCTIONS = {
    "line": lambda lib, x: 0.25 * x + 2.0,
    "far line": lambda lib, x: 2.0**-20 * x - 5.0,
    "cubic": lambda lib, x: 0.125 * x + 2.0**-7 * x**3,
    "steps": lambda lib, x: 2.0**-10 * x + lib.tanh(300 * (x - 1)) + lib.tanh(30 * (x + 2)),
    "sinh": lambda lib, x: lib.sinh(3 * x) + 0.5,
}
TARGETS = np.concatenate([[0.0, 1e-6, -1e-6], np.linspace(-9, 9, 40), [-100.0, 100.0, 1e4]])
TEXT = (
    "increasing_root: expected an increasing function that reaches its target, got one that does not within the range "
    "of float32, or is NaN on the way."
)
SIGMOID = jax.jit(lambda y: increasing_root(lambda _, x: jax.nn.sigmoid(x), y, ()))


def every(_, x):
    return jnp.stack([function(jnp, row) for function, row in zip(FUNCTIONS.values(), x, strict=True)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_matches_brentq(dtype):
    eps = np.finfo(dtype).eps
    with jax.enable_x64(dtype == np.float64):
        targets = np.broadcast_to(TARGETS.astype(dtype), (len(FUNCTIONS), len(TARGETS)))
        found = np.asarray(jax.jit(lambda y: increasing_root(every, y, ()))(targets))
    assert found.dtype == dtype
    for row, (name, function) in zip(found, FUNCTIONS.items(), strict=True):
        end = 200.0 if name == "sinh" else 1e11
        for x, y in zip(row, targets[0], strict=True):
            miss = lambda x, f=function, y=y: f(np, x) - float(y)  # noqa: E731
            root = brentq(miss, -end, end, xtol=1e-300, rtol=9e-16, maxiter=2000)
            step = 1e-6 * (1e-3 + abs(root))
            slope = (miss(root + step) - miss(root - step)) / (2 * step)
            # The function adds up numbers of size |y| and a few; its rounding is what can be seen of the root.
            assert abs(x - root) <= 4 * eps * (abs(root) + (abs(y) + 10) / slope), (name, y, x, root)


def test_a_search_to_the_last_bit_and_one_with_a_unit():
    line = lambda p, x: p * x  # noqa: E731
    assert increasing_root(line, jnp.float32(1e-30), jnp.float32(3.0)) == np.float32(1e-30) / np.float32(3)
    loose = increasing_root(line, jnp.float32(1e-30), jnp.float32(3.0), unit=1.0)
    assert loose != 0
    # A start that misses by less than the unit's rounding is moved by one step of Newton's and taken.
    turned = increasing_root(lambda p, x: p * x + x**3, jnp.float32(1e-8), jnp.float32(3.0), unit=1.0)
    np.testing.assert_allclose(turned, 1e-8 / 3, rtol=1e-6)


def test_any_start_leads_to_the_root():
    y = np.linspace(-4, 4, 17).astype(np.float32)
    starts = np.array([[1.0], [-1e30], [-3.0], [0.0], [2.0], [1e30]], np.float32)
    reaches = np.array([[1e-3], [1.0], [1e-6], [1.0], [1e6], [1.0]], np.float32)
    steps = lambda _, x: FUNCTIONS["steps"](jnp, x)  # noqa: E731
    solve = jax.jit(lambda y, start, reach: increasing_root(steps, y, (), start=start, reach=reach))
    found = np.asarray(solve(np.broadcast_to(y, (6, 17)), starts, reaches))
    np.testing.assert_allclose(found[1:], np.broadcast_to(found[0], (5, 17)), rtol=1e-3, atol=1e-4)


def test_the_worst_case_ends_in_time():
    """A staircase without slope: Newton is of no use, and the root's exponent is far from the start's."""
    roots = np.array([1e-35, -1e-35, 3.0, -2e37, 0.0], np.float32)
    stairs = lambda r, x: jnp.where(x < r, -1.0, 1.0) + 0 * x  # noqa: E731
    found = jax.jit(lambda r: increasing_root(stairs, jnp.zeros(5), r))(roots)
    assert (np.abs(found - roots) <= np.maximum(np.spacing(np.abs(roots)), 4.8e-38)).all()


def test_middle_float():
    low = jnp.array([-3.0, 0.0, 1.0, -1e38, -1.0], jnp.float32)
    high = jnp.array([3.0, 2.0, 4.0, 1e38, -0.25], jnp.float32)
    middle = np.asarray(_middle_float(low, high))
    assert middle[0] == middle[3] == 0
    assert 0 < middle[1] < 1e-15
    np.testing.assert_array_equal(middle[[2, 4]], [2.0, -0.5])


def test_derivatives_of_all_orders_and_of_what_the_function_closes_over():
    # x = (y - b) / a, with b closed over.
    def x_of(y, a, b):
        return increasing_root(lambda a, x: a * x + b, y, a)

    with jax.enable_x64(True):
        y, a, b = 3.0, 2.0, 0.5
        first = jax.jit(jax.grad(x_of, argnums=(0, 1, 2)))(y, a, b)
        np.testing.assert_allclose(first, (1 / a, -(y - b) / a**2, -1 / a), rtol=1e-14)
        second = jax.jit(jax.hessian(x_of, argnums=1))(y, a, b)
        np.testing.assert_allclose(second, 2 * (y - b) / a**3, rtol=1e-14)
        forward = jax.jit(jax.jacfwd(x_of, argnums=1))(y, a, b)
        np.testing.assert_allclose(forward, first[1], rtol=1e-14)


def test_second_derivatives_of_a_curved_function():
    # x + x^3 = y at x = 1, y = 2: dx/dy = 1 / (1 + 3 x^2), d2x/dy2 = -6 x / (1 + 3 x^2)^3.
    with jax.enable_x64(True):
        solve = lambda y: increasing_root(lambda _, x: x + x**3, y, ())  # noqa: E731
        np.testing.assert_allclose(jax.grad(solve)(2.0), 1 / 4, rtol=1e-14)
        np.testing.assert_allclose(jax.grad(jax.grad(solve))(2.0), -6 / 64, rtol=1e-13)


def test_a_slope_that_the_function_gives():
    solve = lambda p: increasing_root(  # noqa: E731
        lambda p, x: (p * x + x**3, p + 3 * x**2), jnp.float32(2.0), p, with_slope=True
    )
    x, slope = jax.jit(jax.value_and_grad(solve))(jnp.float32(1.0))
    np.testing.assert_allclose((x, slope), (1.0, -1 / 4), rtol=1e-6)


@pytest.mark.parametrize("mapped", [False, True], ids=["array", "vmap"])
def test_batches_do_not_mix(mapped):
    y = jnp.array([[-1.0, 0.2], [30.0, 4.0]])
    p = jnp.array([1.0, 7.0])
    alone = lambda y, p: increasing_root(lambda p, x: p * x + jnp.tanh(x), y, p)  # noqa: E731
    solve = jax.jit(jax.vmap(jax.vmap(alone), in_axes=(0, None)) if mapped else alone)
    together = np.asarray(solve(y, p))
    # One program, so bits are compared: what stands beside an element, however hard it is, does not touch it.
    for place in np.ndindex(y.shape):
        for beside in (1e-3, 1e30, np.inf, np.nan):
            others = jnp.full_like(y, beside).at[place].set(y[place])
            np.testing.assert_array_equal(solve(others, p)[place], together[place])
    # Alone it is another program, which may round differently: both are roots to rounding.
    for roots in (together, np.array([[alone(y[i, j], p[j]) for j in range(2)] for i in range(2)])):
        exact = roots.astype(np.float64)
        np.testing.assert_allclose(p * exact + np.tanh(exact), y, rtol=2 * np.finfo(np.float32).eps)


def test_infinite_and_undefined_targets():
    line = lambda y: increasing_root(lambda p, x: p * x, y, jnp.float32(2.0))  # noqa: E731
    y = jnp.array([jnp.inf, -jnp.inf, jnp.nan, 4.0])
    np.testing.assert_array_equal(jax.jit(line)(y), [np.inf, -np.inf, np.nan, 2.0])
    slopes = jax.jit(jax.vmap(jax.grad(line)))(y)
    np.testing.assert_array_equal(slopes[:2], 0.0)
    assert slopes[3] == 0.5
    # Broken parameters are the caller's: they come out, and are no failed search.
    assert np.isnan(increasing_root(lambda p, x: p * x, jnp.float32(1.0), jnp.float32(jnp.nan)))


@pytest.mark.parametrize("y", [2.0, -0.5])
def test_a_target_out_of_reach_is_refused(y):
    with pytest.raises(NotConverged) as caught:
        increasing_root(lambda _, x: jax.nn.sigmoid(x), jnp.array([0.3, y]), ())
    assert str(caught.value) == TEXT
    with pytest.raises(RuntimeError, match="NotConverged: " + TEXT):
        jax.block_until_ready(SIGMOID(jnp.array([0.3, y])))
    np.testing.assert_allclose(SIGMOID(jnp.array([0.3, 0.5])), [np.log(3 / 7), 0.0], atol=1e-6)


@pytest.mark.parametrize(
    "function", [lambda _, x: -x, lambda _, x: jnp.where(x > 3, jnp.nan, x), lambda _, x: 0 * x]
)
def test_functions_that_do_not_increase_are_refused(function):
    with pytest.raises(NotConverged) as caught:
        increasing_root(function, jnp.array([5.0]), ())
    assert str(caught.value) == TEXT
