import jax
import numpy as np

from pushforward.numerics import bins


def test_ends_are_the_sums_of_a_softmax_with_a_floor():
    raw = np.random.default_rng(0).normal(size=(4, 3))
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(lambda r: bins.ends(r, -1.0, 3.0))(raw))
    share = np.exp(raw) / np.exp(raw).sum(axis=0)
    expected = -1 + 4 * np.cumsum(0.001 + 0.996 * share, axis=0)
    np.testing.assert_allclose(found[1:], expected, rtol=1e-12)
    np.testing.assert_array_equal(found[[0, -1]], np.broadcast_to([[-1.0], [3.0]], (2, 3)))


def test_a_bin_holds_its_left_end_and_the_outer_bins_what_lies_beyond():
    starts = np.float32([0, 1, 3, 4])
    value = np.float32([-5, 0, 0.5, 1, 2.9, 3, 4, 9])
    column, other = np.float32([10, 20, 30]), np.float32([1, 2, 3])
    spread = [np.repeat(a[:, None], 8, axis=1) for a in (starts, column, other)]
    found = jax.jit(bins.pick)(value, *spread)
    np.testing.assert_array_equal(found[0], [10, 10, 10, 20, 20, 30, 30, 30])
    np.testing.assert_array_equal(found[1], np.asarray(found[0]) / 10)


def test_held_numbers_keep_the_gradient():
    t = np.float32([-1e-7, 0, 0.3, 1, 1 + 2**-23])
    value, gradient = jax.jit(jax.vmap(jax.value_and_grad(bins.unit)))(t)
    np.testing.assert_array_equal(value, np.float32([0, 0, 0.3, 1, 1]))
    np.testing.assert_array_equal(gradient, np.ones(5))
    np.testing.assert_array_equal(bins.within(t, -2.0, 0.25), np.minimum(t, np.float32(0.25)))
