"""Log-densities of one standardised number, in nats."""

import math

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


def gumbel(z: Array) -> Array:
    """Return -z - exp(-z), elementwise, held below where the exponential leaves the floats' range.

    Gradient: exp(-z) - 1; zero where it is held, that is for z < -77 in float32, where the value is -3e33.
    """
    lowest = -7 / 8 * math.log(float(jnp.finfo(z.dtype).max))
    near = jnp.where(z < lowest, lowest, z)
    return jnp.where(jnp.isinf(z), -jnp.inf, -near - jnp.exp(-near))


def log_one_minus_exp(t: Array) -> Array:
    """Return log(1 - exp(-t)) for t > 0, elementwise.

    The argument of either logarithm is in (0, 1): beyond log 2 the exponential is the small number, before it
    1 - exp(-t) is. Gradient: 1 / (exp(t) - 1).
    """
    far = t > LOG_2
    return jnp.where(
        far,
        jnp.log1p(-jnp.exp(-jnp.where(far, t, 1.0))),
        jnp.log(-jnp.expm1(-jnp.where(far, 0.5, t))),
    )


def kumaraswamy(log_x: Array, log_a: Array, log_b: Array) -> Array:
    """Return log(a b) + (a - 1) log x + (b - 1) log(1 - x^a), elementwise, from the logarithms of x < 1, a and b.

    1 - x^a = 1 - exp(-t) with t = -a log x > 0, so that nothing is lost where x is near 0 or near 1.
    Reference: Kumaraswamy 1980, A generalized probability density function for double-bounded random processes,
        Journal of Hydrology 46, 79-88.
    """
    a, b = jnp.exp(log_a), jnp.exp(log_b)
    return log_a + log_b + (a - 1) * log_x + (b - 1) * log_one_minus_exp(-a * log_x)


def log_ratios_of_relaxed(ratios: Array, logits: Array, temperature: Array) -> Array:
    """Return the log-density of the log-ratios log(x_k / x_n), k < n, of a relaxed one-hot vector x of n numbers.

    log (n - 1)! + (n - 1) log t + sum_k s_k - n logsumexp(s), s_k = logits_k - t * ratios_k, ratios_n = 0: equation 26
    of the paper, whose y may be shifted by any number, and so by -y_n. The terms in s are n logarithms of a softmax.

    Args:
        ratios: shape (n - 1,).
        logits: log-probabilities up to a constant, shape (n,).
        temperature: positive, shape ().

    Returns:
        A scalar in nats.

    Gradients: finite for finite arguments.
    Accuracy: tests/distributions/test_relaxed.py::test_density_is_the_papers.
    Reference: Maddison et al. 2017, The Concrete Distribution, arXiv:1611.00712, appendix C.3.
    """
    size = logits.shape[0]
    s = logits - temperature * jnp.append(ratios, jnp.zeros_like(ratios, shape=1))
    constant = math.lgamma(size) + (size - 1) * jnp.log(temperature)
    return constant + jnp.sum(jax.nn.log_softmax(s))
