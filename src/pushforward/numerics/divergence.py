"""The divergence of a vector field, exactly or by one random probe, together with the field and its Jacobian's size."""

import functools
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

Probe = Literal["rademacher", "normal"]


class Local(NamedTuple):
    """A vector field f at a point.

    Attributes:
        value: f(x), of the shape of x.
        divergence: tr(df/dx) or its estimate, shape ().
        squared_norm: the squared Frobenius norm |df/dx|^2 or its estimate, shape ().
    """

    value: Array
    divergence: Array
    squared_norm: Array


def exact(field: Callable[[Array], Array], x: Array) -> Local:
    """Return f(x), tr(df/dx) and |df/dx|^2 by as many Jacobian-vector products as x has numbers.

    Args:
        field: f, from arrays of x's shape to arrays of the same shape.
        x: a point, any shape.

    Gradients: those of f's second derivatives; finite where these are.
    Accuracy: that of the products (tests/numerics/test_divergence.py::test_exact_is_that_of_the_jacobian).
    Reference: Chen et al. 2018, Neural Ordinary Differential Equations, arXiv:1806.07366, eq. 8.
    """
    directions = jnp.eye(x.size, dtype=x.dtype).reshape(x.size, *x.shape)
    push = functools.partial(jax.jvp, field, (x,))
    value, columns = jax.vmap(lambda direction: push((direction,)), out_axes=(None, 0))(directions)
    jacobian = columns.reshape(x.size, x.size)
    return Local(value, jnp.trace(jacobian), jnp.sum(jnp.square(jacobian)))


def estimated(field: Callable[[Array], Array], x: Array, probe: Array) -> Local:
    """Return f(x), e^T J e and |J e|^2 with J = df/dx and a probe e, by one Jacobian-vector product.

    If e has mean 0 and covariance I, the two are unbiased: E[e^T J e] = tr(J E[e e^T]) = tr J, and
    E[|J e|^2] = tr(J^T J) = |J|^2.

    Args:
        field: f, from arrays of x's shape to arrays of the same shape.
        x: a point, any shape.
        probe: e, of x's shape; see `draw_probe`.

    Gradients: those of f's second derivatives; finite where these are.
    Accuracy: the variance of e^T J e is 2 |S|^2 for a normal probe and 2 (|S|^2 - sum_i S_ii^2) for a Rademacher one,
        with S = (J + J^T) / 2 (tests/numerics/test_divergence.py::test_estimates_are_unbiased).
    Reference: Hutchinson's estimator as in Grathwohl et al. 2019, FFJORD, arXiv:1810.01367, section 3.1; the norm as in
        Finlay et al. 2020, arXiv:2002.02798, section 3.
    """
    value, pushed = jax.jvp(field, (x,), (probe,))
    return Local(value, jnp.sum(probe * pushed), jnp.sum(jnp.square(pushed)))


def draw_probe(key: PRNGKeyArray, like: Array, law: Probe) -> Array:
    """Draw a probe with mean 0 and covariance I: signs ("rademacher") or normal numbers ("normal").

    Args:
        key: a JAX random key.
        like: its shape and dtype are the probe's.
        law: "rademacher", of the least variance among independent elements, or "normal".
    """
    if law == "normal":
        return jr.normal(key, like.shape, like.dtype)
    return jr.rademacher(key, like.shape, like.dtype)
