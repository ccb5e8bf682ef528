"""Special functions that the automatic ones lose digits in."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

# Coefficients of x^-1, x^-3, ... in log(Gamma(x + 1/2) / Gamma(x)) - log(x) / 2:
# (2^(1 - n) - 2) B_n / (n (n - 1)) for n = 2, 4, ..., 12, with the Bernoulli numbers B_n
# (DLMF 5.11.8 at h = 1/2 minus h = 0, and B_n(1/2) by 24.4.27).
_HALF_STEP = (-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432, 691 / 180224)
_SHIFT = 10


def log_gamma_half_step(x: Array) -> Array:
    """Return log(Gamma(x + 1/2) / Gamma(x)) - log(x) / 2, the normaliser of Student's t beside the normal's.

    It goes to 0 like -1/(8 x). The difference of two `lgamma` loses it: at x = 5e5 both are 6e6, where a
    float32 has a spacing of 0.5. Here nothing cancels: the recurrence Gamma(x + 1) = x Gamma(x), taken ten
    times, leads to x + 10, where six terms of the asymptotic series are exact to 2e-15.

    Args:
        x: positive numbers, any shape.

    Returns:
        Numbers of the same shape.

    Gradients: finite for x > 0 within the floats' range; as accurate as the value, so are second derivatives.
    Accuracy: absolute error at most 2e-6 in float32 and 1e-14 in float64, for x in [0.01, 1e9]
        (tests/numerics/test_special.py::test_half_step_matches_loggamma).
    Reference: NIST DLMF 5.11.8, https://dlmf.nist.gov/5.11.E8.
    """
    steps = jnp.arange(_SHIFT, dtype=x.dtype)
    far = x + _SHIFT
    inverse_square = 1 / jnp.square(far)  # far >= 10
    series = jnp.zeros_like(x)
    for coefficient in reversed(_HALF_STEP):
        series = series * inverse_square + coefficient
    # log(Gamma(x + 1/2)/Gamma(x)) = log(Gamma(far + 1/2)/Gamma(far)) - sum_i log((x + i + 1/2) / (x + i)),
    # and log(far) / 2 = log(x) / 2 + log1p(10 / x) / 2. Every log1p has a positive argument, since x > 0.
    recurrence = jnp.sum(jnp.log1p(0.5 / (x[..., None] + steps)), axis=-1)
    return series / far + 0.5 * jnp.log1p(_SHIFT / x) - recurrence


def half_df_log1p(z: Array, df: Array) -> Array:
    """Return df/2 * log(1 + z^2 / df), which goes to z^2 / 2 as df grows.

    Written plainly, z^2 overflows in the far tails, and the derivative with respect to df, about
    z^4 / (4 df^2), is the difference of two numbers near z^2 / (2 df) that float32 cannot tell apart.

    Args:
        z: real numbers, any shape.
        df: positive numbers that broadcast with z.

    Returns:
        Numbers of the broadcast shape, nonnegative.

    Gradients: finite for all finite z and df within the floats' range, and as accurate as the value.
    Accuracy: relative error 2e-6 in float32, 1e-14 in float64
        (tests/numerics/test_special.py::test_half_df_log1p_matches_exact).
    """
    near = jnp.square(z) < 0.25 * df
    # Near: with u = z^2 / df < 1/4 and s = u / (2 + u) < 1/9, log1p(u) = 2 atanh(s) = 2 s (1 + s^2/3 + ...),
    # and df * s = z^2 / (2 + u). Nothing cancels in this form or in its derivatives. The first of the terms
    # left out is s^18 / 19 < 4e-19.
    square = jnp.square(jnp.where(near, z, 0.0))
    u = square / df
    s_square = jnp.square(u / (2.0 + u))
    series = jnp.zeros_like(s_square)
    for term in reversed(range(9)):
        series = series * s_square + 1.0 / (2 * term + 1)
    # Far: log1p(u) = softplus(log u) with log u = 2 log|z| - log df: no square. z^2 >= df / 4 > 0, so both
    # logs exist.
    log_u = 2.0 * jnp.log(jnp.abs(jnp.where(near, 1.0, z))) - jnp.log(df)
    return jnp.where(near, square / (2.0 + u) * series, 0.5 * df * jax.nn.softplus(log_u))
