"""Monotone maps that are linear or quadratic in each bin of an interval."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .bins import ends, pick, unit, within

MIN_DENSITY = 1e-3
"""Smallest slope of a quadratic spline, in units of its mean slope."""


def on_interval(function: Callable, x: Array, *params: Array, bound: float | None) -> tuple[Array, Array]:
    """Apply a map of an interval to itself there, and leave other numbers alone.

    Args:
        function: one of this module, of (x, *params) and the keywords low and high.
        x: real numbers, any shape.
        params: its parameters.
        bound: the interval is [-bound, bound], and outside the log-derivative is 0; None: it is [0, 1], and outside the
            log-derivative is -inf, so that a density is zero there.

    Returns:
        The mapped numbers and the log-derivatives in nats; outside y = x. NaN stays NaN.

    Gradients: those of the identity outside, where the function sees the middle of the interval.
    """
    if bound is None:
        low, high, beyond, outside = 0.0, 1.0, -jnp.inf, (x < 0) | (x > 1)
    else:
        low, high, beyond, outside = -bound, bound, 0.0, jnp.abs(x) >= bound
    y, log_dydx = function(jnp.where(outside, (low + high) / 2, x), *params, low=low, high=high)
    # Left end plus width may be one rounding beyond the right end.
    return jnp.where(outside, x, within(y, low, high)), jnp.where(outside, beyond, log_dydx)


def linear(x: Array, heights: Array, *, low: float, high: float) -> tuple[Array, Array]:
    """Piecewise-linear map of [low, high] to itself over bins of equal width.

    Args:
        x: a number in [low, high], shape (); or numbers of any shape, then that of `heights` ends in it.
        heights: unconstrained bin heights, shape (bins,), made positive as `bins.ends` says.
        low: where the interval begins.
        high: where it ends.

    Returns:
        y and log_dydx, both of shape (); log_dydx in nats. At heights zero y = x.

    Gradients: finite for every finite height. The slope jumps at the knots, where it is that of the bin on the right.
    Accuracy: tests/numerics/test_piecewise.py::test_round_trip.
    Reference: Mueller et al. 2018, Neural Importance Sampling, arXiv:1808.03856, section 4.2.
    """
    left, bottom, height, width = _linear_bin(x, 0, heights, low, high)
    # All bins have the same positive width, and a height of at least MIN_BIN of the interval.
    return bottom + height * unit((x - left) / width), jnp.log(height / width)


def linear_inverse(y: Array, heights: Array, *, low: float, high: float) -> tuple[Array, Array]:
    """Inverse of `linear`, with the same parameters; x and log_dxdy. Gradients, accuracy and source: see there."""
    left, bottom, height, width = _linear_bin(y, 1, heights, low, high)
    return left + width * unit((y - bottom) / height), -jnp.log(height / width)


def quadratic(x: Array, widths: Array, densities: Array, *, low: float, high: float) -> tuple[Array, Array]:
    """Piecewise-quadratic map of [low, high] to itself, whose slope is continuous and linear in each bin.

    Args:
        x: a number in [low, high], shape (); or numbers of any shape, then the parameters' shapes end in it.
        widths: unconstrained bin widths, shape (bins,).
        densities: unconstrained slopes at the knots. Shape (bins + 1,): at all of them; shape (bins - 1,): at the
            inner ones, and those at both ends are 1, so that the identity goes on smoothly outside.
        low: where the interval begins.
        high: where it ends.

    Returns:
        y and log_dydx, both of shape (); log_dydx in nats. At parameters zero y = x.

    Gradients: finite for every x in the interval and finite parameters.
    Accuracy: tests/numerics/test_piecewise.py::test_round_trip.
    Reference: Mueller et al. 2018, Neural Importance Sampling, arXiv:1808.03856, section 4.3.
    """
    left, bottom, width, height, first, last = _quadratic_bin(x, 0, widths, densities, low, high)
    t = unit((x - left) / width)  # widths are positive
    # The integral of `slope` from 0 to t, in two terms that cannot be negative.
    share = first * t * (1 - t / 2) + last * jnp.square(t) / 2
    slope = first * (1 - t) + last * t
    # first, last and the mean slope of the bin are positive.
    return bottom + height * share, jnp.log(height / width * slope)


def quadratic_inverse(
    y: Array, widths: Array, densities: Array, *, low: float, high: float
) -> tuple[Array, Array]:
    """Inverse of `quadratic`, with the same parameters; x and log_dxdy. Gradients and source: see there.

    With r the share of the bin's height, and f and l = 2 - f the slopes at its ends in units of the mean one, t solves
    f t + (1 - f) t^2 = r. The slope there is the root of the discriminant, f^2 + 4 (1 - f) r = (1 - r) f^2 + r l^2:
    terms that cannot be negative, and not both zero since f and l are positive. So t = 2 r / (f + slope) has no
    cancellation and a positive denominator.
    """
    left, bottom, width, height, first, last = _quadratic_bin(y, 1, widths, densities, low, high)
    r = unit((y - bottom) / height)  # heights are positive
    slope = jnp.sqrt((1 - r) * jnp.square(first) + r * jnp.square(last))
    t = unit(2 * r / (first + slope))
    return left + width * t, -jnp.log(height / width * slope)


def _linear_bin(value: Array, axis: int, heights: Array, low: float, high: float) -> tuple[Array, ...]:
    """Return left, bottom and height of the bin that holds `value` along x (axis 0) or y (1), and the width of all."""
    bottoms = ends(heights, low, high)
    bins = heights.shape[0]
    width = (high - low) / bins
    lefts = low + width * jnp.arange(bins + 1, dtype=heights.dtype)
    lefts = jnp.broadcast_to(lefts.reshape(-1, *[1] * (bottoms.ndim - 1)), bottoms.shape)
    columns = (lefts[:-1], bottoms[:-1], bottoms[1:] - bottoms[:-1])
    return *pick(value, (lefts, bottoms)[axis], *columns), jnp.full_like(value, width)


def _quadratic_bin(
    value: Array, axis: int, widths: Array, densities: Array, low: float, high: float
) -> tuple[Array, ...]:
    """Return left, bottom, width and height of the bin of `value`, and its end slopes over its mean slope."""
    lefts = ends(widths, low, high)
    sizes = lefts[1:] - lefts[:-1]
    slopes = _densities(densities, sizes / (high - low))
    means = (slopes[:-1] + slopes[1:]) / 2
    heights = sizes * means
    bottoms = [jnp.full_like(heights[0], low)]
    for height in heights[:-1]:
        bottoms.append(bottoms[-1] + height)
    # The heights sum to the interval up to rounding. They are kept as they are: differences of knots would lose the
    # digits of a bin a millionth as high as the interval.
    knots = jnp.stack([*bottoms, jnp.full_like(heights[0], high)])
    columns = (lefts[:-1], knots[:-1], sizes, heights, slopes[:-1] / means, slopes[1:] / means)
    return pick(value, (lefts, knots)[axis], *columns)


def _densities(raw: Array, shares: Array) -> Array:
    """Return positive slopes at the knots with mean one over the interval.

    The mean is the trapezoids', sum_i w_i slope_i with w_i half the widths of the bins beside knot i, as shares of
    the interval. A weighted softmax gives exp(raw_i) a mean of one; where the slopes at the ends are 1, over the
    rest, since they have a mean of one themselves.
    """
    none = jnp.zeros_like(shares[:1])
    weights = (jnp.concatenate([none, shares]) + jnp.concatenate([shares, none])) / 2
    inner = raw.shape[0] < weights.shape[0]
    weights = weights[1:-1] if inner else weights
    sizes = jnp.exp(raw - jnp.max(jax.lax.stop_gradient(raw), axis=0))
    # The largest exponential is 1 and no weight is below MIN_BIN / 2, so the sum is positive.
    mean = jnp.sum(weights * sizes, axis=0) / jnp.sum(weights, axis=0)
    slopes = MIN_DENSITY + (1 - MIN_DENSITY) * sizes / mean
    one = jnp.ones_like(slopes[:1])
    return jnp.concatenate([one, slopes, one]) if inner else slopes
