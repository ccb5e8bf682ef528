"""Maps between vectors of K - 1 real numbers and compositions: K positive numbers that sum to one.

Log-determinants are those of the map to the first K - 1 numbers, so that densities of compositions are with respect to
d y_1 ... d y_(K-1). That of both maps here is sum_k log y_k over all K numbers.

For the softmax the Jacobian is diag(y) - y y^T, with the determinant y_1 ... y_(K-1) (1 - y_1 - ... - y_(K-1)). For
stick-breaking it is triangular with the entries r_k z_k (1 - z_k) = y_k r_(k+1) / r_k, where r_k is what is left of the
stick before y_k = r_k z_k is taken; the r_k cancel but for r_1 = 1 and r_K = y_K.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .elementary import hold


def softmax_centered(x: Array) -> tuple[Array, Array]:
    """Return the softmax of (x_1, ..., x_(K-1), 0), shape (K,), and the log-determinant.

    Args:
        x: real numbers, shape (K - 1,); zeros give the centre. Held at +-`elementary.reach_limit(dtype, 7/8)`.

    Returns:
        Numbers that sum to one, shape (K,), and a scalar in nats, which stays finite where they underflow.

    Gradients: finite for every finite x.
    Reference: Aitchison 1982, The Statistical Analysis of Compositional Data, J. R. Stat. Soc. B 44(2), section 5: its
        inverse is the additive log-ratio.
    """
    log_y = jax.nn.log_softmax(jnp.append(hold(x, reach=7 / 8), jnp.zeros_like(x, shape=1)))
    return jnp.exp(log_y), jnp.sum(log_y)


def softmax_centered_inverse(y: Array) -> tuple[Array, Array]:
    """Inverse of `softmax_centered`: x_k = log(y_k / y_K), and the log-determinant.

    Args:
        y: numbers between 0 and 1, shape (K,). Only their ratios count: they are divided by their sum.

    Returns:
        Numbers of shape (K - 1,) and a scalar in nats. If a number is not between 0 and 1, the first K - 1 of them and
        -inf. NaN stays NaN.

    Gradients: finite for every y inside.
    """
    outside, log_y = _log_parts(y)
    x = log_y[:-1] - log_y[-1]
    return jnp.where(outside, y[:-1], x), jnp.where(outside, -jnp.inf, -jnp.sum(log_y))


def stick_breaking(x: Array) -> tuple[Array, Array]:
    """Break a stick of length one: the share z_k = sigmoid(x_k - log(K - k)) of what is left is y_k, the rest is y_K.

    Args:
        x: real numbers, shape (K - 1,); zeros give the centre. Held at +-`elementary.reach_limit(dtype, 7/8)`.

    Returns:
        Numbers that sum to one, shape (K,), and the log-determinant, a scalar in nats, which stays finite where they
        underflow.

    Gradients: finite for every finite x.
    Reference: Stan Reference Manual, Constraint Transforms, Unit simplex,
        https://mc-stan.org/docs/reference-manual/transforms.html.
    """
    u = hold(x, reach=7 / 8) - _offsets(x)
    log_left = jnp.append(jnp.zeros_like(x, shape=1), jnp.cumsum(jax.nn.log_sigmoid(-u)))
    log_y = log_left + jnp.append(jax.nn.log_sigmoid(u), jnp.zeros_like(x, shape=1))
    return jnp.exp(log_y), jnp.sum(log_y)


def stick_breaking_inverse(y: Array) -> tuple[Array, Array]:
    """Inverse of `stick_breaking`, from the lengths that are left, summed from the end: no digit is lost to 1 - sum.

    Args:
        y: numbers between 0 and 1, shape (K,). Only their ratios count: they are divided by their sum.

    Returns:
        As `softmax_centered_inverse`.

    Gradients: finite for every y inside.
    """
    outside, log_y = _log_parts(y)
    left = jnp.flip(jnp.cumsum(jnp.flip(jnp.where(outside, 1.0, y))))  # sums of positive numbers
    # logit(z_k) = log(y_k / (y_(k+1) + ... + y_K))
    x = jnp.log(jnp.where(outside, 1.0, y)[:-1]) - jnp.log(left[1:]) + _offsets(y[:-1])
    return jnp.where(outside, y[:-1], x), jnp.where(outside, -jnp.inf, -jnp.sum(log_y))


def _log_parts(y: Array) -> tuple[Array, Array]:
    """Return whether a number is not between 0 and 1, and the logarithms of all after division by their sum."""
    outside = jnp.any((y <= 0) | (y >= 1))
    safe = jnp.where(outside, 0.5, y)
    return outside, jnp.log(safe) - jnp.log(jnp.sum(safe))  # positive numbers and their sum


def _offsets(x: Array) -> Array:
    """Return log(K - k) for k = 1 ... K - 1, which sends zeros to the centre: z_k = 1 / (K - k + 1)."""
    return jnp.log(jnp.arange(x.shape[0], 0, -1).astype(x.dtype))
