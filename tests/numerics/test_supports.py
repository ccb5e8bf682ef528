"""Half-lines and intervals to the line and back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.numerics.supports import from_line, to_line

UP, DOWN = jax.jit(to_line), jax.jit(from_line)
SUPPORTS = {
    "line": (-np.inf, np.inf, 1.0),
    "above": (2.0, np.inf, 0.5),
    "below": (-np.inf, -1.0, 3.0),
    "interval": (-1.0, 4.0, 1.0),
}


def _ends(name, like):
    return tuple(np.full(like.shape, end, like.dtype) for end in SUPPORTS[name])


@pytest.mark.parametrize("name", SUPPORTS)
def test_round_trip(name):
    with jax.enable_x64(True):
        y = np.linspace(-30, 30, 121)
        x, log_dxdy = DOWN(y, *_ends(name, y))
        low, high, _ = SUPPORTS[name]
        assert ((x >= low) & (x <= high)).all()
        back, log_dydx = UP(x, *_ends(name, y))
        inside = np.asarray((x > low + 1e-9) & (x < high - 1e-9))
        # What is left of the distance to an end after 2.0 + 1e-9 is 1e-7 of it.
        np.testing.assert_allclose(back[inside], y[inside], atol=1e-5)
        np.testing.assert_allclose(log_dydx[inside], -log_dxdy[inside], atol=1e-5)


@pytest.mark.parametrize("name", SUPPORTS)
def test_derivatives_are_those_of_autodiff(name):
    with jax.enable_x64(True):
        y = np.linspace(-5, 5, 21)
        ends = _ends(name, y)
        slope = jax.vmap(jax.grad(lambda y, *ends: from_line(y, *ends)[0]))(y, *ends)
        np.testing.assert_allclose(DOWN(y, *ends)[1], np.log(slope), rtol=1e-9)
        x = DOWN(y, *ends)[0]
        slope = jax.vmap(jax.grad(lambda x, *ends: to_line(x, *ends)[0]))(x, *ends)
        np.testing.assert_allclose(UP(x, *ends)[1], np.log(slope), rtol=1e-6, atol=1e-9)


def test_far_from_its_end_a_half_line_is_left_as_it_is():
    x = np.array([30.0, 1e6], np.float32)
    np.testing.assert_allclose(UP(x, *_ends("above", x))[0], x, rtol=1e-6)
    x = -x
    np.testing.assert_allclose(UP(x, *_ends("below", x))[0], x, rtol=1e-4)


def test_interval_is_the_logit():
    x = np.array([0.0, 3.0], np.float32)
    share = (x + 1) / 5
    np.testing.assert_allclose(UP(x, *_ends("interval", x))[0], np.log(share / (1 - share)), rtol=1e-5)


@pytest.mark.parametrize("name", SUPPORTS)
def test_what_lies_outside_is_finite_and_so_are_gradients(name):
    x = np.array([-1e30, -1.0, 0.0, 2.0, 4.0, 1e30], np.float32)
    ends = _ends(name, x)
    values = jax.vmap(jax.value_and_grad(lambda x, *ends: sum(map(jnp.sum, to_line(x, *ends)))))(x, *ends)
    assert np.isfinite(np.asarray(values[0])).all()
    assert not np.isnan(np.asarray(values[1])).any()
    for array in DOWN(x, *ends):
        assert np.isfinite(np.asarray(array)[1:5]).all()
