"""Autoregressive: exact inverse in sequence, differentiable, with arithmetic of about one pass."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

from pushforward.bijectors import Affine, Autoregressive, Invert, RationalQuadraticSpline
from pushforward.nets import MADE


def layer(features=6, scalar=None, context_features=0, hidden=(24, 24)):
    scalar = RationalQuadraticSpline(5) if scalar is None else scalar
    net = MADE(jr.key(0), features, scalar.num_params, context_features=context_features, hidden=hidden)
    net = jax.tree.map(lambda leaf: leaf + 0.2 * jr.normal(jr.key(leaf.size), leaf.shape), net)
    return Autoregressive(scalar, net, (context_features,) if context_features else None)


@pytest.mark.parametrize("scalar", [Affine(), RationalQuadraticSpline(5)])
@pytest.mark.parametrize("context_features", [0, 2])
def test_inverse_and_log_dets(scalar, context_features):
    bijector = layer(scalar=scalar, context_features=context_features)
    context = jnp.ones(context_features) if context_features else None
    x = jr.normal(jr.key(1), (6,))
    y, log_det = bijector.forward_and_log_det(x, context)
    back, back_log_det = bijector.inverse_and_log_det(y, context)
    np.testing.assert_allclose(back, x, atol=1e-5)
    np.testing.assert_allclose(back_log_det, -log_det, atol=1e-5)
    jacobian = jax.jacobian(lambda v: bijector.forward(v, context))(x)
    assert (np.triu(jacobian, 1) == 0).all()
    np.testing.assert_allclose(jnp.linalg.slogdet(jacobian)[1], log_det, atol=1e-5)


def test_gradients_through_the_inverse_follow_the_implicit_function():
    """From f(x(y, p), p) = y follow dx/dy = (df/dx)^-1 and dx/dp = -(df/dx)^-1 df/dp."""
    bijector = layer(features=4, hidden=(8,))
    y = jr.normal(jr.key(2), (4,))

    def with_bias(bias):
        return eqx.tree_at(lambda b: b.net.layers[-1].bias, bijector, bias)

    bias = bijector.net.layers[-1].bias
    x = jax.jit(lambda y: bijector.inverse(y))(y)
    jacobian = jax.jit(jax.jacobian(lambda x: bijector.forward(x)))(x)
    by_y = jax.jit(jax.jacobian(lambda y: bijector.inverse(y)))(y)
    np.testing.assert_allclose(by_y, jnp.linalg.inv(jacobian), atol=2e-5)
    by_bias = jax.jit(jax.jacobian(lambda bias: with_bias(bias).inverse(y)))(bias)
    forward_by_bias = jax.jit(jax.jacobian(lambda bias: with_bias(bias).forward(x)))(bias)
    np.testing.assert_allclose(by_bias, -jnp.linalg.solve(jacobian, forward_by_bias), atol=2e-5)


def test_cheap_sides():
    assert layer().cheap == "forward"
    assert Invert(layer()).cheap == "inverse"


def multiplications(jaxpr):
    """Multiplications of all matrix products, those in loops as often as they run."""
    total = 0
    for eqn in jaxpr.eqns:
        times = eqn.params["length"] if eqn.primitive.name == "scan" else 1
        for inner in jaxprs_in_params(eqn.params):
            total += times * multiplications(inner)
        if eqn.primitive.name == "dot_general":
            (contracted, _), _ = eqn.params["dimension_numbers"]
            left = eqn.invars[0].aval.shape
            total += math.prod(eqn.outvars[0].aval.shape) * math.prod(left[axis] for axis in contracted)
    return total


def test_inverse_costs_the_multiplications_of_one_pass():
    """`features` full passes would be 32 times one pass; within a block some products are done again."""
    bijector, x = layer(features=32, scalar=Affine(), hidden=(256, 256)), jnp.zeros((64, 32))

    def count(function):
        # The derivative's program shows what the primitives of `batch_last` are made of; it does everything twice.
        return multiplications(jax.make_jaxpr(lambda x: jax.jvp(jax.vmap(function), (x,), (x,)))(x).jaxpr)

    assert count(bijector.forward) >= 64 * 256 * (32 + 256 + 64)
    assert count(bijector.inverse) < 2 * count(bijector.forward)
