"""A line with a bump: the monotone rational map whose inverse is the root of a cubic."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .elementary import hold

MAX_BUMP = 0.99
"""The largest bump, as a share of the one at which the slope becomes zero somewhere."""

_CRITICAL = 8 * math.sqrt(3) / 9
"""u + k / (1 + u^2) increases if and only if |k| is below this: |d/du 1/(1 + u^2)| is largest at u^2 = 1/3."""

_BEND = 1 / math.sqrt(3)
"""1 / (1 + u^2) is concave where |u| is below this, and convex elsewhere."""

_STEPS = 12
"""Newton steps to the root; `test_the_root_takes_eleven_steps` finds that 11 suffice, in float32 10."""


def cubic_rational(
    x: Array, shift: Array, log_scale: Array, log_width: Array, centre: Array, bump: Array
) -> tuple[Array, Array]:
    """Return y = shift + scale x + k scale / width / (1 + (width x + centre)^2), with a bump k between +-1.53.

    Args:
        x: real numbers, any shape; the parameters broadcast with it.
        shift: a in the paper.
        log_scale: log b; its size at most 10.
        log_width: log d, one over the width of the bump; its size at most 10.
        centre: g.
        bump: unconstrained. k = MAX_BUMP * 8 sqrt(3) / 9 * tanh(bump): the paper's condition for an increasing map,
            |c| < 8 sqrt(3) b / (9 d), with slopes of at least b / 100.

    Returns:
        y and log_dydx of the broadcast shape; log_dydx in nats.

    Gradients: finite for every finite x and parameters. Those with respect to centre and width are zero where
        |width x + centre| is above `elementary.reach_limit(dtype, 3/8)`.
    Accuracy: tests/numerics/test_cubic_rational.py::test_it_is_the_papers_formula.
    Reference: Ziegler and Rush 2019, Latent Normalizing Flows for Discrete Sequences, arXiv:1901.10548, the non-linear
        squared flow.
    """
    alpha = MAX_BUMP * jnp.tanh(bump)
    scale, width = jnp.exp(log_scale), jnp.exp(log_width)
    u = hold(width * hold(x, reach=7 / 8) + centre, reach=3 / 8)
    y = shift + scale * x + scale / width * (_CRITICAL * alpha) * _lorentz(u)  # width > 0
    return y, log_scale + _log_relative_slope(u, alpha)


def cubic_rational_inverse(
    y: Array, shift: Array, log_scale: Array, log_width: Array, centre: Array, bump: Array
) -> tuple[Array, Array]:
    """Inverse of `cubic_rational`, with the same parameters; x and log_dxdy.

    With u = width x + centre and v = width (y - shift) / scale + centre, u + k / (1 + u^2) = v: a cubic in u. Its real
    root is found by Newton's method rather than by radicals, which cancel for large v.

    Gradients: as `cubic_rational`, of any order, by the implicit function theorem.
    Accuracy: tests/numerics/test_cubic_rational.py::test_round_trip.
    """
    alpha = MAX_BUMP * jnp.tanh(bump)
    k = _CRITICAL * alpha
    shrink, width = jnp.exp(-log_scale), jnp.exp(log_width)
    line = hold(y - shift, reach=7 / 8) * shrink
    u = _root(hold(width * line + centre, reach=3 / 8), k)
    # Not (u - centre) / width, which loses digits to a large centre.
    x = (y - shift) * shrink - jnp.exp(-log_width) * k * _lorentz(u)
    return x, -log_scale - _log_relative_slope(u, alpha)


def _lorentz(u: Array) -> Array:
    return 1 / (1 + jnp.square(u))


def _log_relative_slope(u: Array, alpha: Array) -> Array:
    """Return the log of 1 - 2 k u / (1 + u^2)^2, which is at least 1 - |alpha| >= 1 - MAX_BUMP."""
    return jnp.log1p(-2 * _CRITICAL * alpha * u * jnp.square(_lorentz(u)))


@jax.custom_jvp
def _root(v: Array, k: Array) -> Array:
    """Return the u with u + k / (1 + u^2) = v.

    For k >= 0 (else all signs are turned) the left side is convex, concave and convex again, with bends at
    +-_BEND. Newton's method on an increasing function converges, without ever passing the root, from any point of the
    root's own piece that lies above the root where the piece is convex, below it where it is concave. Such points are
    v itself, since u <= v, or the bend on the left.
    """
    sign = jnp.where(k < 0, -1.0, 1.0).astype(v.dtype)
    target, size = sign * v, jnp.abs(k)
    at_bend = 0.75 * size  # k / (1 + 1/3)
    left, right = target < at_bend - _BEND, target > at_bend + _BEND
    start = jnp.where(left, jnp.minimum(target, -_BEND), jnp.where(right, target, -_BEND))

    def step(_: int, u: Array) -> Array:
        h = _lorentz(u)
        # The slope is at least 1 - MAX_BUMP.
        return u - (u + size * h - target) / (1 - 2 * size * u * jnp.square(h))

    return sign * jax.lax.fori_loop(0, _STEPS, step, start)


@_root.defjvp
def _root_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    u = _root(*primals)
    h = _lorentz(u)
    # (1 - 2 k u h^2) du + h dk = dv
    return u, (tangents[0] - h * tangents[1]) / (1 - 2 * primals[1] * u * jnp.square(h))
