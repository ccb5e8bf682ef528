"""batch_last: the function as it is, whatever JAX does to it."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.numerics.batching import batch_last, reshaped
from pushforward.numerics.products import product


def _affine(weight, bias, values):
    return jnp.tensordot(weight, values, axes=1) + bias.reshape(bias.shape + (1,) * (values.ndim - bias.ndim))


def _pair(a, b, *, power):
    return a**power + b, a * b


affine = batch_last(_affine, carried=(1, 2))
pair = batch_last(_pair, carried=(0, 1))
WEIGHT, BIAS, VALUES = (jr.normal(jr.key(i), shape) for i, shape in enumerate([(3, 2), (5, 3), (5, 4, 2)]))


def test_alone():
    np.testing.assert_allclose(affine(WEIGHT, BIAS[0], VALUES[0, 0]), _affine(WEIGHT, BIAS[0], VALUES[0, 0]))
    total, product = pair(jnp.array([2.0, 3.0]), jnp.array([1.0, 4.0]), power=2)
    np.testing.assert_allclose(total, [5, 13])
    np.testing.assert_allclose(product, [2, 12])


@pytest.mark.parametrize("axes", [(None, None, 0), (None, 0, 0), (None, 0, None), (0, 0, 0), (0, None, None)])
@pytest.mark.parametrize("transform", [lambda f: f, jax.jacfwd, jax.jacrev, jax.hessian])
def test_batched_in_any_argument(axes, transform):
    arguments = [
        jnp.stack([a, 2 * a, a - 1]) if axis == 0 else a
        for a, axis in zip((WEIGHT, BIAS[0], VALUES[0, 0]), axes, strict=True)
    ]

    def of(function):
        inner = transform(lambda values, weight, bias: function(weight, bias, values).sum() ** 2)
        weight, bias, values = axes
        return jax.vmap(inner, in_axes=(values, weight, bias))

    weight, bias, values = arguments
    np.testing.assert_allclose(of(affine)(values, weight, bias), of(_affine)(values, weight, bias), rtol=1e-5)


def test_batched_twice_with_different_arguments():
    def twice(function):
        inner = jax.vmap(function, in_axes=(None, None, 0))
        return jax.jit(jax.vmap(inner, in_axes=(None, 0, 0)))

    expected = jnp.einsum("oi,abi->abo", WEIGHT, VALUES) + BIAS[:, None]
    np.testing.assert_allclose(twice(affine)(WEIGHT, BIAS, VALUES), expected, rtol=1e-5)


def test_results_stay_batch_last_through_a_chain():
    def chain(values):
        hidden = affine(WEIGHT, BIAS[0], values)
        return reshaped(jax.nn.relu(hidden), shape=(3, 1))

    text = jax.jit(jax.vmap(chain, out_axes=-1)).lower(VALUES[:, 0]).as_text()
    assert "transpose" not in text.split("dot_general", 1)[1].split("func.func private", 1)[0]
    np.testing.assert_allclose(
        jax.vmap(chain)(VALUES[:, 0])[..., 0], jax.nn.relu(VALUES[:, 0] @ WEIGHT.T + BIAS[0]), rtol=1e-5
    )


def test_reshaped_in_a_batch():
    values = jr.normal(jr.key(0), (7, 6))
    np.testing.assert_array_equal(
        jax.vmap(lambda v: reshaped(v, shape=(2, 3)))(values), values.reshape(7, 2, 3)
    )


def test_dtype_is_kept():
    assert affine(*(a.astype(jnp.float16) for a in (WEIGHT, BIAS[0], VALUES[0, 0]))).dtype == jnp.float16


def test_what_does_not_move_is_not_multiplied():
    """The Jacobian of a net by its input takes no products with tangents of its weights, which are zero."""
    weight, x = jnp.ones((3, 2)), jnp.ones(2)
    linear = batch_last(product, carried=(1,))

    def products(function, *arguments):
        return jax.jit(function).lower(*arguments).as_text().count("stablehlo.dot_general")

    assert products(linear, weight, x) == 1
    assert products(lambda x, dot: jax.jvp(lambda v: linear(weight, v), (x,), (dot,)), x, x) == 2
    assert products(lambda w, dot: jax.jvp(lambda v: linear(v, x), (w,), (dot,)), weight, weight) == 2
    assert products(lambda w, x: jax.jvp(linear, (w, x), (w, x)), weight, x) == 3
