"""Monotone rational-quadratic splines on an interval, the identity outside."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array

MIN_BIN = 1e-3
"""Smallest width and height of a bin, as a share of the interval."""

MIN_SLOPE = 1e-3
"""Smallest slope at an inner knot."""

_SLOPE_SHIFT = math.log(math.expm1(1 - MIN_SLOPE))  # softplus(_SLOPE_SHIFT) + MIN_SLOPE = 1


def rational_quadratic(
    x: Array, widths: Array, heights: Array, slopes: Array, *, bound: float
) -> tuple[Array, Array]:
    """Monotone rational-quadratic spline on [-bound, bound], identity outside.

    Args:
        x: a real number, shape ().
        widths: unconstrained bin widths, shape (bins,).
        heights: unconstrained bin heights, shape (bins,).
        slopes: unconstrained slopes at the inner knots, shape (bins - 1,). The outer slopes are 1.
        bound: half width of the interval, in units of x.

    Returns:
        y and log_dydx, both of shape (); log_dydx in nats. At parameters zero y = x.

    Gradients: finite for every finite x and every finite parameter: the formula sees a clipped x.
    Accuracy: tests/numerics/test_splines.py::test_float32_round_trip.
    Reference: Durkan et al. 2019, Neural Spline Flows, arXiv:1906.04032, eq. 4 and 5.
    """
    inside = jnp.abs(x) < bound
    clipped = jnp.where(inside, x, 0.0)
    left, bottom, width, height, slope0, slope1 = _bin_of(
        clipped, widths, heights, slopes, bound, by_height=False
    )
    # width >= MIN_BIN * 2 * bound > 0. Rounding of the knots may push t past 1 by a few ulp.
    t = jnp.clip((clipped - left) / width, 0.0, 1.0)
    slope = height / width
    ratio0, ratio1 = slope0 / slope, slope1 / slope  # slope > 0, as height > 0
    u = t * (1 - t)
    # ratio0 + ratio1 - 2 > -2 and u <= 1/4, so denominator > 1/2.
    denominator = 1 + (ratio0 + ratio1 - 2) * u
    y = bottom + height * (t * t + ratio0 * u) / denominator
    log_dydx = _log_slope(t, slope, ratio0, ratio1)
    return jnp.where(inside, y, x), jnp.where(inside, log_dydx, 0.0)


def rational_quadratic_inverse(
    y: Array, widths: Array, heights: Array, slopes: Array, *, bound: float
) -> tuple[Array, Array]:
    """Inverse of `rational_quadratic`, with the same parameters.

    With r = (y - bottom) / height in [0, 1] and slopes in units of the bin's mean slope, t solves
    (1 - b) t^2 + b t - r = 0 where b = ratio0 - r (ratio0 + ratio1 - 2). Its discriminant is
    b^2 + 4 r (1 - b) = (b - 2 r)^2 + 4 r (1 - r), a sum of two terms that cannot be negative; it is zero only
    where a slope is, and slopes are at least MIN_SLOPE.

    Args:
        y: a real number, shape ().
        widths: unconstrained bin widths, shape (bins,).
        heights: unconstrained bin heights, shape (bins,).
        slopes: unconstrained slopes at the inner knots, shape (bins - 1,).
        bound: half width of the interval.

    Returns:
        x and log_dxdy, both of shape (); log_dxdy in nats.

    Gradients: finite for every finite y and every finite parameter.
    Accuracy: tests/numerics/test_splines.py::test_float32_round_trip.
    Reference: Durkan et al. 2019, arXiv:1906.04032, eq. 6-8, with the discriminant rewritten as above.
    """
    inside = jnp.abs(y) < bound
    clipped = jnp.where(inside, y, 0.0)
    left, bottom, width, height, slope0, slope1 = _bin_of(
        clipped, widths, heights, slopes, bound, by_height=True
    )
    r = jnp.clip((clipped - bottom) / height, 0.0, 1.0)  # height >= MIN_BIN * 2 * bound > 0
    slope = height / width
    ratio0, ratio1 = slope0 / slope, slope1 / slope
    b = ratio0 - r * (ratio0 + ratio1 - 2)
    root = jnp.sqrt(jnp.square(b - 2 * r) + 4 * r * (1 - r))
    # Both forms of the root in [0, 1]; each is used where it adds two numbers of one sign. For b >= 0 the
    # denominator b + root is positive since root > 0; for b < 0 it is 2 (1 - b) > 2.
    positive = b >= 0
    t = jnp.where(
        positive,
        2 * r / jnp.where(positive, b + root, 1.0),
        (root - b) / (2 * (1 - jnp.where(positive, 0.0, b))),
    )
    t = jnp.clip(t, 0.0, 1.0)
    x = left + t * width
    log_dxdy = -_log_slope(t, slope, ratio0, ratio1)
    return jnp.where(inside, x, y), jnp.where(inside, log_dxdy, 0.0)


def _log_slope(t: Array, slope: Array, ratio0: Array, ratio1: Array) -> Array:
    """Log of dy/dx = slope * (ratio1 t^2 + 2 t (1 - t) + ratio0 (1 - t)^2) / (1 + (ratio0 + ratio1 - 2) t (1 - t))^2.

    The numerator is positive, since t^2 or (1 - t)^2 is at least 1/4 and both ratios are positive; the denominator
    is above 1/2 (see `rational_quadratic`). One logarithm serves all three factors: none is near overflow.
    """
    u = t * (1 - t)
    numerator = ratio1 * t * t + 2 * u + ratio0 * jnp.square(1 - t)
    denominator = 1 + (ratio0 + ratio1 - 2) * u
    return jnp.log(slope * numerator / jnp.square(denominator))


def _bin_of(
    value: Array, widths: Array, heights: Array, slopes: Array, bound: float, *, by_height: bool
) -> tuple[Array, ...]:
    """Return left, bottom, width, height and both slopes of the bin that holds `value`.

    The bin is found by comparing with every knot and picked by a masked sum, which compiles to straight vector
    code; a gather does not.
    """
    widths, lefts = _sizes_and_starts(widths, bound)
    heights, bottoms = _sizes_and_starts(heights, bound)
    inner = MIN_SLOPE + jax.nn.softplus(slopes + _SLOPE_SHIFT)
    one = jnp.ones_like(inner, shape=(1,))
    starts = bottoms if by_height else lefts
    above = value >= starts.at[0].set(-jnp.inf)
    here = above & ~jnp.concatenate([above[1:], jnp.zeros_like(above, shape=(1,))])
    columns = (
        lefts,
        bottoms,
        widths,
        heights,
        jnp.concatenate([one, inner]),
        jnp.concatenate([inner, one]),
    )
    return tuple(jnp.sum(jnp.where(here, column, 0.0)) for column in columns)


def _sizes_and_starts(raw: Array, bound: float) -> tuple[Array, Array]:
    """Return bin sizes, positive with sum 2 * bound, and where each bin starts."""
    bins = raw.shape[0]
    sizes = 2 * bound * (MIN_BIN + (1 - MIN_BIN * bins) * jax.nn.softmax(raw))
    return sizes, jnp.cumsum(sizes) - sizes - bound
