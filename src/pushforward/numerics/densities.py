"""Log-densities of one standardised number, in nats."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .special import half_df_log1p, log_gamma_half_step

HALF_LOG_2_PI = 0.9189385332046727
"""log(2 pi) / 2."""

LOG_2 = 0.6931471805599453
"""log(2)."""


def normal(z: Array) -> Array:
    """Return -z^2/2 - log(2 pi)/2, elementwise. Gradient: -z."""
    return -0.5 * jnp.square(z) - HALF_LOG_2_PI


def laplace(z: Array) -> Array:
    """Return -|z| - log 2, elementwise. Gradient: -sign(z), and 0 at z = 0."""
    # z * sign(z) is |z|, but its derivative at the kink is sign(0) = 0, where that of `abs` is 1.
    return -z * jnp.sign(z) - LOG_2


def logistic(z: Array) -> Array:
    """Return -z - 2 log(1 + exp(-z)), elementwise. Gradient: -tanh(z / 2).

    Written as -softplus(z) - softplus(-z): even, smooth at 0, without overflow, and -inf at both infinities,
    where -z - 2 softplus(-z) would be inf - inf.
    """
    return -jax.nn.softplus(z) - jax.nn.softplus(-z)


def student_t(z: Array, df: Array) -> Array:
    """Return the log-density of Student's t with df degrees of freedom, elementwise.

    log p = log(Gamma((df + 1)/2) / Gamma(df/2)) - log(df pi)/2 - (df + 1)/2 * log(1 + z^2/df), taken as
    log_gamma_half_step(df/2) - log(2 pi)/2 - (1 + 1/df) * half_df_log1p(z, df): every term has its limit as
    df grows, and the sum goes to the normal's log-density.

    Args:
        z: real numbers, any shape.
        df: positive numbers that broadcast with z.

    Returns:
        Numbers of the broadcast shape; -inf at z = +-inf.

    Gradients: finite with respect to z and df.
    Accuracy: for df in [0.1, 1e6] and |z| up to 1e34, an error of (2 + |log p|) * 2e-6 in float32
        (tests/distributions/test_student_t.py::test_log_prob_matches_scipy).
    """
    return log_gamma_half_step(0.5 * df) - HALF_LOG_2_PI - (1.0 + 1.0 / df) * half_df_log1p(z, df)
