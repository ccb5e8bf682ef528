"""Monotone rational-quadratic splines: on an interval with the identity outside, and through given knots."""

import functools
import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .bins import MIN_BIN, ends, pick, unit, within

MIN_SLOPE = 1e-3
"""Smallest slope at an inner knot."""

_FEW_BINS = 16
"""Up to so many bins the search is written out bin by bin: compiling it takes longer with every bin."""

_FAR = 1e20  # 1 + _FAR = _FAR in float32 and float64

_SLOPE_SHIFT = math.log(math.expm1(1 - MIN_SLOPE))  # softplus(_SLOPE_SHIFT) + MIN_SLOPE = 1


def rational_quadratic(
    x: Array, widths: Array, heights: Array, slopes: Array, *, bound: float
) -> tuple[Array, Array]:
    """Monotone rational-quadratic spline on [-bound, bound], identity outside.

    Args:
        x: a real number, shape (); or numbers of any shape, then the parameters' shapes end in it.
        widths: unconstrained bin widths, shape (bins,).
        heights: unconstrained bin heights, shape (bins,).
        slopes: unconstrained slopes at the inner knots, shape (bins - 1,). The outer slopes are 1.
        bound: half width of the interval, in units of x.

    Returns:
        y and log_dydx, both of shape (); log_dydx in nats. At parameters zero y = x.

    Gradients: finite for every finite x and parameters up to 1e15: outside, the formula sees x = 0. Zero with
        respect to the parameters outside. At infinity y = x and log_dydx = 0; NaN stays NaN.
    Accuracy: in float32 x comes back from the inverse within 1e-6 * bound * (1 + dx/dy)
        (tests/numerics/test_splines.py::test_float32_round_trip).
    Reference: Durkan et al. 2019, Neural Spline Flows, arXiv:1906.04032, eq. 4 and 5.
    """
    inside = jnp.abs(x) < bound
    clipped = jnp.where(inside, x, 0.0)
    y, log_dydx = _up(clipped, *_bin_at(clipped, 0, widths, heights, slopes, bound))
    return jnp.where(inside, y, x), jnp.where(inside, log_dydx, 0.0)


def rational_quadratic_inverse(
    y: Array, widths: Array, heights: Array, slopes: Array, *, bound: float
) -> tuple[Array, Array]:
    """Inverse of `rational_quadratic`, with the same parameters.

    Args:
        y: a real number, shape (); or numbers of any shape, then the parameters' shapes end in it.
        widths: unconstrained bin widths, shape (bins,).
        heights: unconstrained bin heights, shape (bins,).
        slopes: unconstrained slopes at the inner knots, shape (bins - 1,).
        bound: half width of the interval.

    Returns:
        x and log_dxdy, both of shape (); log_dxdy in nats.

    Gradients: finite for every finite y and parameters up to 1e15, as in `rational_quadratic`.
    Accuracy: as `rational_quadratic`.
    Reference: Durkan et al. 2019, arXiv:1906.04032, eq. 6-8, with a discriminant that cannot be negative.
    """
    inside = jnp.abs(y) < bound
    clipped = jnp.where(inside, y, 0.0)
    x, log_dxdy = _down(clipped, *_bin_at(clipped, 1, widths, heights, slopes, bound))
    return jnp.where(inside, x, y), jnp.where(inside, log_dxdy, 0.0)


def periodic(x: Array, widths: Array, heights: Array, slopes: Array, *, bound: float) -> tuple[Array, Array]:
    """Monotone rational-quadratic spline of [-bound, bound] whose slope is the same at both ends.

    Args:
        x: a real number from -bound to bound, shape (); or numbers of any shape, then the parameters' shapes end in it.
        widths: unconstrained bin widths, shape (bins,).
        heights: unconstrained bin heights, shape (bins,).
        slopes: unconstrained slopes at the bins' left ends, shape (bins,); the first one is also that at the last end.
        bound: half width of the interval.

    Returns:
        y from -bound to bound and log_dydx, both of shape (); log_dydx in nats. At parameters zero y = x.

    Gradients, accuracy: as `rational_quadratic`; at the ends they are those of the first and last bin.
    Reference: Rezende et al. 2020, Normalizing Flows on Tori and Spheres, arXiv:2002.02428, section 2.1.
    """
    xs, ys, knots = _periodic_knots(widths, heights, slopes, bound)
    y, log_dydx = _up(x, *_bin_of(x, xs, xs, ys, knots))
    return within(y, -bound, bound), log_dydx


def periodic_inverse(
    y: Array, widths: Array, heights: Array, slopes: Array, *, bound: float
) -> tuple[Array, Array]:
    """Inverse of `periodic`, with the same parameters; x and log_dxdy."""
    xs, ys, knots = _periodic_knots(widths, heights, slopes, bound)
    x, log_dxdy = _down(y, *_bin_of(y, ys, xs, ys, knots))
    return within(x, -bound, bound), log_dxdy


def through_knots(x: Array, xs: Array, ys: Array, slopes: Array) -> tuple[Array, Array]:
    """Monotone rational-quadratic spline through given knots, with logarithmic tails.

    Beyond the last knot y = ys[-1] + log(1 + slopes[-1] * (x - xs[-1])), and likewise on the left:
    continuous with its slope, and so slow that a far outlier stays within a few units.

    Args:
        x: a real number, shape ().
        xs: knots in x, increasing, shape (knots,).
        ys: knots in y, increasing, shape (knots,).
        slopes: positive slopes at the knots, shape (knots,).

    Returns:
        y and log_dydx, both of shape (); log_dydx in nats.

    Gradients: finite for every finite x. At infinity y is infinite; NaN stays NaN.
    Accuracy: tests/numerics/test_splines.py::test_through_knots_round_trip.
    Reference: Gregory and Delbourgo 1982, Piecewise rational quadratic interpolation to monotonic data, IMA
        J. Numer. Anal. 2, eq. 2.3; the form of the formula as in arXiv:1906.04032, eq. 4.
    """
    clipped = _between(x, xs[0], xs[-1])
    y, log_dydx = _up(clipped, *_bin_of(clipped, xs, xs, ys, slopes))
    for end, sign in ((0, -1), (-1, 1)):
        outside = sign * (x - xs[end]) > 0
        distance, log_slope = jnp.where(outside, sign * (x - xs[end]), 1.0), jnp.log(slopes[end])
        # Outside, distance and slope are positive. Their product may overflow; long before, 1 + it is itself.
        far = distance > _FAR / slopes[end]
        near = jnp.log1p(jnp.where(far, 0.0, distance) * slopes[end])
        stretch = jnp.where(far, jnp.log(distance) + log_slope, near)
        y = jnp.where(outside, ys[end] + sign * stretch, y)
        # dy/dx = slope / (1 + slope * distance)
        log_dydx = jnp.where(outside, log_slope - stretch, log_dydx)
    return y, log_dydx


def through_knots_inverse(y: Array, xs: Array, ys: Array, slopes: Array) -> tuple[Array, Array]:
    """Inverse of `through_knots`, with the same knots.

    Args:
        y: a real number, shape (). Beyond the knots x grows as exp(y): from some 88 units in float32 on it
            overflows to infinity.
        xs: knots in x, increasing, shape (knots,).
        ys: knots in y, increasing, shape (knots,).
        slopes: positive slopes at the knots, shape (knots,).

    Returns:
        x and log_dxdy, both of shape (); log_dxdy in nats.

    Gradients: finite wherever x is.
    Accuracy: tests/numerics/test_splines.py::test_through_knots_round_trip.
    Reference: as `through_knots`.
    """
    clipped = _between(y, ys[0], ys[-1])
    x, log_dxdy = _down(clipped, *_bin_of(clipped, ys, xs, ys, slopes))
    for end, sign in ((0, -1), (-1, 1)):
        outside = sign * (y - ys[end]) > 0
        stretch = jnp.where(outside, sign * (y - ys[end]), 0.0)
        x = jnp.where(outside, xs[end] + sign * jnp.expm1(stretch) / slopes[end], x)
        log_dxdy = jnp.where(outside, stretch - jnp.log(slopes[end]), log_dxdy)
    return x, log_dxdy


def _between(x: Array, low: Array, high: Array) -> Array:
    """Return x held between two numbers; unlike that of `jnp.clip`, the gradient at these numbers is 1."""
    return jnp.where(x < low, low, jnp.where(x > high, high, x))


def _up(
    x: Array, left: Array, bottom: Array, width: Array, height: Array, slope0: Array, slope1: Array
) -> tuple[Array, Array]:
    """Map x of one bin to y (arXiv:1906.04032, eq. 4), with log_dydx."""
    t = unit((x - left) / width)  # widths and heights are positive
    slope = height / width
    ratio0, ratio1 = slope0 / slope, slope1 / slope
    u = t * (1 - t)
    # ratio0 + ratio1 - 2 > -2 and u <= 1/4, so the denominator is above 1/2.
    y = bottom + height * (t * t + ratio0 * u) / (1 + (ratio0 + ratio1 - 2) * u)
    return y, _log_slope(t, slope, ratio0, ratio1)


def _down(
    y: Array, left: Array, bottom: Array, width: Array, height: Array, slope0: Array, slope1: Array
) -> tuple[Array, Array]:
    """Map y of one bin to x, with log_dxdy.

    With r = (y - bottom) / height in [0, 1] and the slopes in units of the bin's mean slope, t solves
    (1 - b) t^2 + b t - r = 0 where b = ratio0 - r (ratio0 + ratio1 - 2). Its discriminant is
    b^2 + 4 r (1 - b) = (b - 2 r)^2 + 4 r (1 - r): two terms that cannot be negative, and both zero only where
    a slope is zero (r = 0 has b = ratio0, r = 1 has b - 2 r = -ratio1).
    """
    r = unit((y - bottom) / height)
    slope = height / width
    ratio0, ratio1 = slope0 / slope, slope1 / slope
    b = ratio0 - r * (ratio0 + ratio1 - 2)
    root = jnp.sqrt(jnp.square(b - 2 * r) + 4 * r * (1 - r))
    # Two forms of the root in [0, 1]; each is used where it adds two numbers of one sign. For b >= 0 its
    # denominator b + root is positive since root is; for b < 0 it is 2 (1 - b) > 2.
    positive = b >= 0
    t = jnp.where(
        positive,
        2 * r / jnp.where(positive, b + root, 1.0),
        (root - b) / (2 * (1 - jnp.where(positive, 0.0, b))),
    )
    t = unit(t)
    return left + t * width, -_log_slope(t, slope, ratio0, ratio1)


def _log_slope(t: Array, slope: Array, ratio0: Array, ratio1: Array) -> Array:
    """Return the log of slope (ratio1 t^2 + 2 u + ratio0 (1 - t)^2) / (1 + (ratio0 + ratio1 - 2) u)^2.

    Here u = t (1 - t). The numerator is positive, since t^2 or (1 - t)^2 is at least 1/4 and both ratios are
    positive; the denominator is above 1/4 (see `_up`). One logarithm serves all factors: none is near
    overflow.
    Reference: arXiv:1906.04032, eq. 5.
    """
    u = t * (1 - t)
    numerator = ratio1 * t * t + 2 * u + ratio0 * jnp.square(1 - t)
    return jnp.log(slope * numerator / jnp.square(1 + (ratio0 + ratio1 - 2) * u))


def _bin_of(value: Array, starts: Array, xs: Array, ys: Array, slopes: Array) -> tuple[Array, ...]:
    """Return left, bottom, width, height and both slopes of the bin that holds `value` among the `starts`."""
    columns = (xs[:-1], ys[:-1], xs[1:] - xs[:-1], ys[1:] - ys[:-1], slopes[:-1], slopes[1:])
    return pick(value, starts, *columns)


def _bin_at(
    value: Array, axis: int, widths: Array, heights: Array, slopes: Array, bound: float
) -> tuple[Array, ...]:
    """Return left, bottom, width, height and both slopes of the bin that holds `value` along x (axis 0) or y (1)."""
    if widths.shape[0] <= _FEW_BINS:
        return _bin_of_few(value, axis, widths, heights, slopes, bound)
    lefts, bottoms, all_slopes = _knots(widths, heights, slopes, bound)
    return _bin_of(value, (lefts, bottoms)[axis], lefts, bottoms, all_slopes)


def _bin_of_few(
    value: Array, axis: int, widths: Array, heights: Array, slopes: Array, bound: float
) -> tuple[Array, ...]:
    """The same as `_bin_of` among `_knots`, without the knots: of few bins, several times faster with its gradient.

    With e_j = exp(raw_j), E = e_0 + ... + e_(k-1) and S the sum of all, bin k begins at
    bound * (MIN_BIN * (2 k - bins) + rest * (2 E - S) / S). So E is one masked sum, divided once; the search compares
    sums and has no gradient; and only the two slopes that count become positive. Each bin is an array of its own, cut
    off by `split`, whose derivative is one concatenation.
    """
    sizes = [_exponentials(raw) for raw in (widths, heights)]
    above = _above(jax.lax.stop_gradient(value / bound), *jax.lax.stop_gradient(sizes[axis]))
    here = [~above[0], *[low & ~high for low, high in itertools.pairwise(above)], above[-1]]
    number = _masked_sum(above, [jnp.ones_like(value)] * len(above))

    def start_and_size(parts: list[Array], total: Array) -> tuple[Array, Array]:
        before = _masked_sum(above, parts[:-1])
        start = bound * _edge(number, before, len(parts), total)
        # The end as the next bin computes its start, so that they meet; the last one where the identity begins.
        end = bound * _edge(number + 1, before + _masked_sum(here, parts), len(parts), total)
        return start, jnp.where(above[-1], bound, end) - start

    (left, width), (bottom, height) = (start_and_size(*size) for size in sizes)
    raw = _rows(slopes)
    slope0, slope1 = (
        jnp.where(outer, 1.0, MIN_SLOPE + jax.nn.softplus(_masked_sum(mask, raw) + _SLOPE_SHIFT))
        for outer, mask in ((here[0], here[1:]), (here[-1], here[:-1]))
    )
    return left, bottom, width, height, slope0, slope1


def _edge(number: Array | int, before: Array, bins: int, total: Array) -> Array:
    """Return where bin `number` begins on [-1, 1], for the sum of the exponentials before it and of all."""
    return MIN_BIN * (2 * number - bins) + (1 - MIN_BIN * bins) * ((2 * before - total) / total)


def _above(place: Array, parts: list[Array], total: Array) -> list[Array]:
    """Return for each inner knot whether a place in [-1, 1] is not below it."""
    before, edges = jnp.zeros_like(total), []
    for number, part in enumerate(parts[:-1], start=1):
        before = before + part
        edges.append(_edge(number, before, len(parts), total))
    return [place >= edge for edge in edges]


def _exponentials(raw: Array) -> tuple[list[Array], Array]:
    """Return exp(raw) up to a common factor, bin by bin, and its sum, which is at least 1."""
    # A reduction, which the compiler does once; elementwise maxima it would find again for every bin.
    largest = jnp.max(jax.lax.stop_gradient(raw), axis=0)
    parts = [jnp.exp(row - largest) for row in _rows(raw)]
    return parts, functools.reduce(jnp.add, parts)


def _masked_sum(masks: Sequence[Array], values: Sequence[Array]) -> Array:
    picked = (jnp.where(mask, value, 0.0) for mask, value in zip(masks, values, strict=True))
    return functools.reduce(jnp.add, picked)


def _rows(array: Array) -> list[Array]:
    return [row.reshape(array.shape[1:]) for row in jax.lax.split(array, [1] * array.shape[0])]


def _knots(widths: Array, heights: Array, slopes: Array, bound: float) -> tuple[Array, Array, Array]:
    """Return the knots' coordinates and slopes, shape (bins + 1,) each, for unconstrained parameters."""
    inner = MIN_SLOPE + jax.nn.softplus(slopes + _SLOPE_SHIFT)
    one = jnp.ones_like(inner, shape=(1, *inner.shape[1:]))
    return ends(widths, -bound, bound), ends(heights, -bound, bound), jnp.concatenate([one, inner, one])


def _periodic_knots(widths: Array, heights: Array, slopes: Array, bound: float) -> tuple[Array, Array, Array]:
    """The same for slopes of shape (bins,), the first of which is also the last one."""
    left = MIN_SLOPE + jax.nn.softplus(slopes + _SLOPE_SHIFT)
    return ends(widths, -bound, bound), ends(heights, -bound, bound), jnp.concatenate([left, left[:1]])
