"""The sinh-arcsinh transformation, which gives a normal law skewness and heavier or lighter tails."""

import jax.numpy as jnp
from jaxtyping import Array

from .densities import LOG_2


def sinh_arcsinh(x: Array, skewness: Array, log_tail: Array) -> tuple[Array, Array]:
    """Return y = sinh(tail * (arcsinh(x) + skewness)).

    Args:
        x: real numbers, any shape; the parameters broadcast with it.
        skewness: positive values stretch the right tail.
        log_tail: logarithm of the tail weight, the paper's 1 / delta. Above 0 the tails become heavier: |y| grows like
            |x|^tail.

    Returns:
        y and log_dydx of the broadcast shape; log_dydx in nats. At parameters zero y = x.

    Gradients: finite where y is.
    Accuracy: y loses the digits that exp(w) does, for w = log|y|: a relative error of |w| roundings
        (tests/numerics/test_sinh_arcsinh.py::test_it_is_the_formula).
    Reference: Jones and Pewsey 2009, Sinh-arcsinh distributions, Biometrika 96(4), eq. 1 and 2, solved for X.
    """
    a = arcsinh(x)
    w = jnp.exp(log_tail) * (a + skewness)
    # dy/dx = tail cosh(w) / sqrt(1 + x^2), and sqrt(1 + x^2) = cosh(a).
    return jnp.sinh(w), log_tail + log_cosh(w) - log_cosh(a)


def sinh_arcsinh_inverse(y: Array, skewness: Array, log_tail: Array) -> tuple[Array, Array]:
    """Inverse of `sinh_arcsinh`, with the same parameters; x and log_dxdy. Gradients, accuracy: see there."""
    w = arcsinh(y)
    a = jnp.exp(-log_tail) * w - skewness
    return jnp.sinh(a), log_cosh(a) - log_cosh(w) - log_tail


def arcsinh(x: Array) -> Array:
    """Return the inverse of sinh, with a gradient of 1 / sqrt(1 + x^2) also where x^2 overflows.

    Accuracy: as `jnp.arcsinh`; tests/numerics/test_sinh_arcsinh.py::test_arcsinh.
    """
    far = jnp.abs(x) > _FAR
    # log(|x| + sqrt(x^2 + 1)) = log(2 |x|) up to 1 / (4 x^2). |x| > 0 where it counts.
    size = jnp.abs(jnp.where(far, x, 1.0))
    return jnp.where(far, jnp.sign(x) * (jnp.log(size) + LOG_2), jnp.arcsinh(jnp.where(far, 0.0, x)))


def log_cosh(w: Array) -> Array:
    """Return log(cosh(w)) as |w| + log(1 + exp(-2 |w|)) - log 2, without overflow. Gradient: tanh(w)."""
    size = jnp.abs(w)
    return size + jnp.log1p(jnp.exp(-2 * size)) - LOG_2


_FAR = 1e9  # 1 + _FAR^-2 = 1 in float64
