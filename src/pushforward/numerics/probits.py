"""From the logistic to the standard normal law and back, one number at a time."""

import math

import jax
import jax.numpy as jnp
from jax.scipy.special import log_ndtr
from jaxtyping import Array

from .densities import logistic, normal
from .tails import linear_tails

BOUND = 200.0
"""Beyond it, where the smaller tail is exp(-200), the map is its tangent."""

_END = 19.803669380301212  # what becomes of BOUND
_STEPS = 8


def normal_of_logistic(u: Array) -> tuple[Array, Array]:
    """Return y with Phi(y) = sigmoid(u), which turns a logistic law into the standard normal one.

    Args:
        u: real numbers, any shape.

    Returns:
        y and log_dydu, both of u's shape; log_dydu in nats. y is odd in u, and about sqrt(2 |u|) up to BOUND.

    Gradients: finite for finite u.
    Accuracy: relative errors of y of 4e-6 in float32, and 1e-10, that of JAX's log_ndtr, in float64
        (tests/numerics/test_probits.py::test_matches_scipy).
    Reference: Meng et al. 2020, Gaussianization Flows, arXiv:2003.01941, eq. 5: the inverse distribution function.
    """

    def inside(_: Array, u: Array) -> tuple[Array, Array]:
        y = _quantile(u)
        return y, logistic(u) - normal(y)

    return linear_tails(inside, u, u, BOUND)


def logistic_of_normal(y: Array) -> tuple[Array, Array]:
    """Return u with sigmoid(u) = Phi(y): the inverse of `normal_of_logistic`.

    Args:
        y: real numbers, any shape.

    Returns:
        u and log_dudy, both of y's shape; log_dudy in nats.

    Gradients: finite for finite y.
    Accuracy: as `normal_of_logistic`.
    Reference: as `normal_of_logistic`.
    """
    near = jnp.where(y < -_END, -_END, jnp.where(y > _END, _END, y))
    u = log_ndtr(near) - log_ndtr(-near)
    log_dudy = normal(near) - logistic(u)
    return u + (y - near) * jnp.exp(jax.lax.stop_gradient(log_dudy)), log_dudy


@jax.custom_jvp
def _quantile(u: Array) -> Array:
    """Solve log Phi(-|y|) = log sigmoid(-|u|), the smaller tail of both, by Newton's steps.

    log Phi(-y) is concave and falls with y: a tangent lies above it, so a step ends beyond the root, and those that
    follow come back to it without passing it.
    """
    target = jax.nn.log_sigmoid(-jnp.abs(u))
    # log Phi(-y) < -y^2 / 2 - log 2 for y > 0, so the root is below sqrt(2 (-target - log 2)). A second start is the
    # tangent at u = 0, whose slope is Phi's density over sigmoid's there, sqrt(2 pi) / 4.
    far = jnp.sqrt(jnp.maximum(2 * (-target - math.log(2)), 0.0))
    y = jnp.minimum(far, math.sqrt(2 * math.pi) / 4 * jnp.abs(u))

    def step(_: int, y: Array) -> Array:
        log_tail = log_ndtr(-y)
        # The derivative is -exp(normal(y) - log Phi(-y)), at least sqrt(2 / pi) in size for y >= 0.
        return jnp.maximum(y + (log_tail - target) * jnp.exp(log_tail - normal(y)), 0.0)

    y = jax.lax.fori_loop(0, _STEPS, step, y)
    # Near 0 both logarithms are near log 2, and their difference has its rounding; there y is the odd series.
    small = jnp.abs(u) < _SMALL
    series = jnp.abs(jnp.where(small, u, 0.0))
    return jnp.sign(u) * jnp.where(small, _series(series), y)


_SMALL = 0.05


def _series(u: Array) -> Array:
    """Return Phi^-1(sigmoid(u)) for small u, by its Taylor series to u^7.

    With c = sqrt(2 pi) / 4, sigmoid(u) - 1/2 = (u - u^3 / 12 + u^5 / 120 - 17 u^7 / 20160) / 4, and with
    w = sqrt(2 pi) (p - 1/2), Phi^-1(p) = w + w^3 / 6 + 7 w^5 / 120 + 127 w^7 / 5040.
    """
    square = jnp.square(u)
    p = u * (1 + square * (-1 / 12 + square * (1 / 120 + square * (-17 / 20160 + square * 31 / 362880))))
    w = math.sqrt(2 * math.pi) / 4 * p
    square = jnp.square(w)
    # The coefficient of w^9, 4369 / 362880, completes it.
    return w * (1 + square * (1 / 6 + square * (7 / 120 + square * (127 / 5040 + square * 4369 / 362880))))


@_quantile.defjvp
def _slope(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (u,), (d_u,) = primals, tangents
    y = _quantile(u)
    # Phi(y) = sigmoid(u): Phi'(y) dy = sigmoid'(u) du.
    return y, jnp.exp(logistic(u) - normal(y)) * d_u
