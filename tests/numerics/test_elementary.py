import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.numerics.elementary import hold, reach_limit, soft_bound, standardise

MAX = float(np.finfo(np.float32).max)


def test_reach_limit_of_float32_and_float64():
    assert reach_limit(jnp.float32, 3 / 8) == pytest.approx(2.0**48, rel=1e-6)
    assert reach_limit(jnp.float64, 3 / 8) == pytest.approx(2.0**384, rel=1e-12)


def test_hold_keeps_what_is_inside_and_holds_the_rest():
    limit = reach_limit(jnp.float32, 3 / 8)
    z = jnp.array([0.0, -0.0, 1e-30, -5.0, 1e14, 1e15, -MAX, np.inf, -np.inf, np.nan], jnp.float32)
    expected = [0.0, -0.0, 1e-30, -5.0, 1e14, limit, -limit, np.inf, -np.inf, np.nan]
    np.testing.assert_array_equal(hold(z, reach=3 / 8), np.float32(expected))


def test_hold_passes_a_gradient_inside_and_none_outside():
    gradient = jax.vmap(jax.grad(lambda z: hold(z, reach=3 / 8)))
    z = jnp.array([0.0, -5.0, 1e15, -MAX, np.inf], jnp.float32)
    np.testing.assert_array_equal(gradient(z), [1.0, 1.0, 0.0, 0.0, 0.0])


def test_standardise_matches_float64():
    rng = np.random.default_rng(0)
    log_scale = np.linspace(-69, 69, 1000).astype(np.float32)
    x = (rng.normal(size=1000) * np.exp(np.float64(log_scale))).astype(np.float32)
    z = standardise(x, jnp.float32(0), log_scale, reach=3 / 8)
    exact = np.float64(x) * np.exp(-np.float64(log_scale))
    assert z.dtype == jnp.float32
    assert np.all(np.abs(z - exact) <= np.abs(exact) * (2 + np.abs(log_scale)) * 2.0**-23)


def test_standardise_at_the_ends():
    limit = np.float32(reach_limit(jnp.float32, 3 / 8))
    x = jnp.array([MAX, -MAX, np.inf, -np.inf, np.nan, 1.0, 1.0, MAX], jnp.float32)
    loc = jnp.array([0.0, MAX, 3.0, 3.0, 0.0, 1.0, 0.0, 0.0], jnp.float32)
    log_scale = jnp.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.0, -80.0, 87.0], jnp.float32)
    z = standardise(x, loc, log_scale, reach=3 / 8)
    expected = [limit, -limit, np.inf, -np.inf, np.nan, 0.0, limit]
    np.testing.assert_array_equal(z[:-1], np.float32(expected))
    assert z[-1] == pytest.approx(MAX * np.exp(-87.0), rel=1e-5)


def test_standardise_has_finite_gradients_in_a_poisoned_batch():
    x = jnp.array([0.5, MAX / 2, -MAX / 2, 1e4, 1e-30, MAX], jnp.float32)

    def loss(x, loc, log_scale):
        return jnp.sum(jnp.square(standardise(x, loc, log_scale, reach=3 / 8)))

    gradients = jax.jit(jax.grad(loss, (0, 1, 2)))
    for scale in (1e-10, 1.0, 1e10):
        for loc in (0.1, -MAX, MAX):
            for gradient in gradients(x, np.float32(loc), np.float32(np.log(scale))):
                assert np.all(np.isfinite(gradient))


def test_standardise_has_the_gradients_of_a_tiny_scale():
    x, log_scale = jnp.float32(2e-30), jnp.float32(np.log(1e-30))
    gradient = jax.grad(lambda s: standardise(x, jnp.float32(0), s, reach=3 / 8))(log_scale)
    assert gradient == pytest.approx(-2.0, rel=1e-5)


def test_soft_bound_holds_and_has_slope_one_at_zero():
    raw = np.float32([-1e30, -0.01, 0, 0.01, 2, 1e30])
    np.testing.assert_allclose(soft_bound(raw, 2.0), 2 * np.tanh(raw.astype(float) / 2), rtol=1e-6)
    assert jax.grad(soft_bound)(0.0, 2.0) == 1
