"""Maps of the circle [-pi, pi), whose ends are one point."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .bins import within
from .splines import periodic, periodic_inverse

_TURN = 2 * math.pi


def circular_spline(
    x: Array, widths: Array, heights: Array, slopes: Array, phase: Array | None
) -> tuple[Array, Array]:
    """Turn the circle by a monotone spline from -pi to pi whose slope is the same at both ends, then by a phase.

    Args:
        x: an angle from -pi to pi, shape (); or angles of any shape, then the parameters' shapes end in it.
        widths: unconstrained bin widths, shape (bins,).
        heights: unconstrained bin heights, shape (bins,).
        slopes: unconstrained slopes at the bins' left ends, shape (bins,).
        phase: the angle to add, any real number, shape (); None for none.

    Returns:
        y from -pi to pi and log_dydx, both of shape (); log_dydx in nats. At parameters zero y = x. Elsewhere y = x and
        log_dydx = -inf: `wrap` angles first. NaN stays NaN.

    Gradients: finite for every finite angle and parameters up to 1e15.
    Accuracy: tests/numerics/test_circle.py::test_round_trip.
    Reference: Rezende et al. 2020, Normalizing Flows on Tori and Spheres, arXiv:2002.02428, section 2.1.
    """
    outside = jnp.abs(x) > math.pi
    y, log_dydx = periodic(jnp.where(outside, 0.0, x), widths, heights, slopes, bound=math.pi)
    if phase is not None:
        y = wrap(y + _remainder(phase))
    return jnp.where(outside, x, y), jnp.where(outside, -jnp.inf, log_dydx)


def circular_spline_inverse(
    y: Array, widths: Array, heights: Array, slopes: Array, phase: Array | None
) -> tuple[Array, Array]:
    """Inverse of `circular_spline`, with the same parameters; x and log_dxdy. Gradients, accuracy: see there."""
    outside = jnp.abs(y) > math.pi
    turned = jnp.where(outside, 0.0, y)
    if phase is not None:
        turned = wrap(turned - _remainder(phase))
    x, log_dxdy = periodic_inverse(turned, widths, heights, slopes, bound=math.pi)
    return jnp.where(outside, y, x), jnp.where(outside, -jnp.inf, log_dxdy)


def wrap(angle: Array) -> Array:
    """Return the same angle from -pi to pi, with the gradient of the identity."""
    rest = _remainder(angle)
    low, high = rest < -math.pi, rest >= math.pi
    return within(rest + _TURN * (low.astype(rest.dtype) - high.astype(rest.dtype)), -math.pi, math.pi)


def _remainder(angle: Array) -> Array:
    """Return the angle less whole turns towards zero: exact, and of the angle's sign."""
    return jax.lax.rem(angle, jnp.full_like(angle, _TURN))
