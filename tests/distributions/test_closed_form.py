"""What every law with closed-form moments must do, whatever its density."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from pushforward.bijectors.frozen import trainable
from pushforward.distributions import Uniform

MAX = float(np.finfo(np.float32).max)
INSIDE = [[0.6, -0.9], [1.7, -0.8], [2.1, -0.95], [0.9, -0.75], [0.55, -0.71], [1.1, -0.99], [2.4, -0.85]]
"""Seven points, in the support of every law."""

EXTREME = [[0.6, -0.9], [0, 0], [0.5, -1], [1e-30, -1e-30], [1e4, 1e4], [MAX / 2, -MAX / 2], [-MAX / 2, 0]]


@eqx.filter_jit
def value_and_gradients(law, x):
    """The mean log-density and its gradients, with respect to the parameters and to x."""
    trained, fixed = eqx.partition(law, trainable(law))
    loss = lambda trained, x: jnp.mean(eqx.combine(trained, fixed).log_prob(x))  # noqa: E731
    return jax.value_and_grad(loss, (0, 1))(trained, x)


def test_batches_samples_and_densities_agree(build):
    law = build()
    x, log_prob = law.sample_and_log_prob(jr.key(0), (3, 2))
    assert law.event_shape == (2,)
    assert law.context_shape is None
    assert (x.shape, log_prob.shape) == ((3, 2, 2), (3, 2))
    np.testing.assert_allclose(law.log_prob(x), log_prob, rtol=2e-5, atol=2e-5)
    assert np.all(x != law.sample_and_log_prob(jr.key(1), (3, 2))[0])
    assert law.mean().shape == law.variance().shape == (2,)


def test_values_and_gradients_are_finite_in_a_batch_with_extreme_rows(build):
    law = build()
    log_prob = law.log_prob(jnp.float32(EXTREME))
    assert np.all(np.isfinite(log_prob) | (isinstance(law, Uniform) & (log_prob == -np.inf)))
    for gradient in jax.tree.leaves(value_and_gradients(law, jnp.float32(EXTREME))[1]):
        assert np.all(np.isfinite(gradient))


def test_infinity_has_no_density_and_nan_stays_nan(build):
    x = jnp.array([[np.inf, 0.0], [0.0, -np.inf], [np.nan, 0.0], [0.0, np.nan], [0.0, 0.0]], jnp.float32)
    np.testing.assert_array_equal(build().log_prob(x)[:4], [-np.inf, -np.inf, np.nan, np.nan])


def test_gradients_match_finite_differences_in_float64_and_float64_in_float32(build):
    single = jax.tree.leaves(value_and_gradients(build(), jnp.float32(INSIDE)))
    with jax.enable_x64(True):
        law, x, rng = build(), jnp.asarray(INSIDE), np.random.default_rng(0)
        double = jax.tree.leaves(value_and_gradients(law, x))
        trained, fixed = eqx.partition((law, x), trainable((law, x)))
        step = jax.tree.map(lambda leaf: 1e-6 * rng.normal(size=leaf.shape), trained)
        ahead, behind = (
            float(value_and_gradients(*eqx.combine(jax.tree.map(move, trained, step), fixed))[0])
            for move in (np.add, np.subtract)
        )
    expected = 2 * sum(
        np.sum(np.multiply(g, s)) for g, s in zip(double[1:], jax.tree.leaves(step), strict=True)
    )
    assert all(gradient.dtype == np.float64 for gradient in double)
    np.testing.assert_allclose(ahead - behind, expected, rtol=1e-6, atol=1e-14)
    for first, second in zip(single, double, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-5)


def test_every_parameter_has_a_gradient(build):
    for gradient in jax.tree.leaves(value_and_gradients(build(), jnp.float32(INSIDE))[1][0]):
        assert np.any(gradient != 0)


def test_the_float_type_is_kept(build):
    def dtypes(law, x):
        shapes = jax.eval_shape(
            lambda: (law.sample_and_log_prob(jr.key(0)), law.log_prob(x), law.mean(), law.variance())
        )
        return {leaf.dtype for leaf in jax.tree.leaves(shapes)}

    single = build()
    assert dtypes(single, np.float32(INSIDE)) == {jnp.dtype("float32")}
    with jax.enable_x64(True):
        assert dtypes(build(), np.asarray(INSIDE)) == {jnp.dtype("float64")}
        if jax.tree.leaves(single):
            with jax.numpy_dtype_promotion("strict"):
                assert dtypes(single, np.float32(INSIDE)) == {jnp.dtype("float32")}


def test_built_inside_a_transformation(build):
    shapes = eqx.filter_eval_shape(build)
    assert shapes.event_shape == (2,)
    assert jax.tree.map(jnp.shape, shapes) == jax.tree.map(jnp.shape, build())
