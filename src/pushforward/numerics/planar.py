"""Planar, radial and Sylvester maps: low-dimensional bends, invertible by construction, with exact inverses."""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .elementary import hold
from .linalg import reflections
from .products import matmul

Bend = Literal["tanh", "leaky_relu"]
"""The function h of planar and Sylvester maps; its slope lies in (0, 1]."""

MIN_SLOPE = 1e-3
"""No map is flatter than this in any direction that it bends: rounding then cannot make it lose its inverse."""

_LEAK = 0.1
"""Slope of "leaky_relu" below zero."""


def planar(x: Array, w: Array, u: Array, b: Array, *, bend: Bend) -> tuple[Array, Array]:
    """Return f(x) = x + u^ h(w^T x + b) and log|det df/dx| = log(1 + h'(w^T x + b) w^T u^).

    u^ is u with its part along w changed, so that m = w^T u^ > -1: then 1 + h' m > 0 as 0 < h' <= 1, f grows along w
    and is invertible. m = s for s = w^T u >= 0, and (1 - e) (exp(s / (1 - e)) - 1) for s < 0 with e = MIN_SLOPE. The
    paper's m = log(1 + exp(s)) - 1 serves as well, but u^ = u + (m - s) w / |w|^2 then runs away where w is near zero,
    because m(0) is not 0. Here m - s = O(s^2): u^ is continuous, u^ = u at w = 0, and the map is the identity at u = 0.

    Args:
        x: shape (n,).
        w: shape (n,).
        u: unconstrained, shape (n,).
        b: shape ().
        bend: h: "tanh", or "leaky_relu": a for a >= 0, 0.1 a for a < 0.

    Returns:
        y, shape (n,), and the log-determinant, a scalar in nats; O(n).

    Gradients: finite for every finite x. At w = 0 that of the direction of w is zero; at the bend of "leaky_relu"
        they are those of the right side.
    Accuracy: the inverse is off by the rounding of y times the condition of the Jacobian, in float32 too
        (tests/numerics/test_planar.py::test_planar_in_float32_comes_back_as_its_conditioning_allows).
    Reference: Rezende and Mohamed 2015, Variational Inference with Normalizing Flows, arXiv:1505.05770, eq. 10-12 and
        appendix A.1.
    """
    u, m = _upright(u, w)
    value, slope = _bent(matmul(w, x) + b, bend)
    # m > -1 + MIN_SLOPE and 0 < slope <= 1: the logarithm sees at least MIN_SLOPE.
    return x + u * value, jnp.log1p(m * slope)


def planar_inverse(y: Array, w: Array, u: Array, b: Array, *, bend: Bend) -> tuple[Array, Array]:
    """Inverse of `planar`, with the same parameters: x, and log|det dx/dy|.

    With a = w^T x + b, w^T y + b = a + m h(a) is one equation in one unknown that grows in a: see `ridge`. Then
    x = y - u^ h(a).
    """
    u, m = _upright(u, w)
    value, slope = _bent(ridge(matmul(w, y) + b, m, bend=bend), bend)
    return y - u * value, -jnp.log1p(m * slope)


def ridge(target: Array, m: Array, *, bend: Bend) -> Array:
    """Return a with a + m h(a) = target, elementwise, for m > -1.

    For "leaky_relu" in closed form, as both branches keep the sign. For "tanh" by Newton's steps alone, which always
    arrive: g(a) = a + m tanh(a) is odd, so let target and a be positive. There g is concave for m > 0, its tangents lie
    above it, and a step from below the root ends below the root; for m < 0 it is convex, and a step from above ends
    above. The start is on that side, since g(a) lies between a and (1 + m) a, and between a and a + m. The steps go one
    way until rounding ends them: half of all roots take 3 or fewer, and 20 are enough up to m = 1e8.

    Args:
        target: any shape.
        m: larger than -1, the same shape.
        bend: h.

    Returns:
        a, the same shape; infinite where the target is, NaN where it is.

    Gradients: implicit, da = (d target - h(a) dm) / (1 + m h'(a)), forward and reverse, of any order.
    Accuracy: tests/numerics/test_planar.py::test_ridge_against_brentq.
    """
    if bend == "leaky_relu":
        return target / (1 + m * jnp.where(target >= 0, 1.0, _LEAK))  # both slopes exceed MIN_SLOPE
    return _tanh_ridge(target, m)


@jax.custom_jvp
def _tanh_ridge(target: Array, m: Array) -> Array:
    size = jnp.abs(target)
    near, far = size / (1 + m), size - m  # 1 + m is at least MIN_SLOPE
    start = jnp.where(m > 0, jnp.maximum(near, far), jnp.minimum(near, far))

    def turn(state: tuple[Array, Array]) -> tuple[Array, Array]:
        a, going = state
        value, slope = _bent(a, "tanh")
        onward = a + (size - a - m * value) / (1 + m * slope)
        going &= jnp.where(m > 0, onward > a, onward < a)
        return jnp.where(going, onward, a), going

    a, _ = jax.lax.while_loop(lambda state: jnp.any(state[1]), turn, (start, jnp.isfinite(start)))
    return jnp.where(target < 0, -a, a)


@_tanh_ridge.defjvp
def _implicit(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (target, m), (d_target, d_m) = primals, tangents
    a = _tanh_ridge(target, m)
    value, slope = _bent(a, "tanh")
    return a, (d_target - value * d_m) / (1 + m * slope)


def radial(x: Array, centre: Array, log_alpha: Array, raw: Array) -> tuple[Array, Array]:
    """Return f(x) = x + beta h(r) (x - centre), h(r) = 1 / (alpha + r), r = |x - centre|, and log|det df/dx|.

    alpha = exp(log_alpha), and beta = alpha g with g > -1 + MIN_SLOPE made of `raw` as m of s in `planar`; the
    condition is beta >= -alpha. With t = alpha / (alpha + r) in (0, 1], beta h = g t and beta (h + h' r) = g t^2, so
    det = (1 + g t)^(n - 1) (1 + g t^2), of positive factors. raw = 0 is the identity.

    Args:
        x: shape (n,).
        centre: shape (n,).
        log_alpha: logarithm of the width, shape ().
        raw: unconstrained strength, shape (): above 0 it pushes away from the centre, below 0 towards it.

    Returns:
        y, shape (n,), and the log-determinant, a scalar in nats; O(n).

    Gradients: finite for every finite x. At the centre the log-determinant has a kink; its gradient there is zero.
    Reference: Rezende and Mohamed 2015, arXiv:1505.05770, eq. 13-14 and appendix A.2.
    """
    alpha, g = jnp.exp(log_alpha), _above_minus_one(raw)
    offset = x - centre
    t = alpha / (alpha + _length(offset))
    return x + g * t * offset, _radial_log_det(g, t, x.size)


def radial_inverse(y: Array, centre: Array, log_alpha: Array, raw: Array) -> tuple[Array, Array]:
    """Inverse of `radial`, with the same parameters: x, and log|det dx/dy|.

    |y - centre| = r (1 + g t) is q = r + alpha g r / (alpha + r), that is r^2 + r (alpha + alpha g - q) = alpha q: the
    root that is not negative, of the two forms of the solution the one without cancellation.
    """
    alpha, g = jnp.exp(log_alpha), _above_minus_one(raw)
    offset = y - centre
    q = _length(offset)
    half = (alpha * (1 + g) - q) / 2
    # alpha q >= 0, and where q = 0 half is positive: the root's argument is positive.
    root = jnp.sqrt(half**2 + alpha * q)
    inner = half > 0
    r = jnp.where(inner, alpha * q / jnp.where(inner, half + root, 1.0), root - half)
    t = alpha / (alpha + r)
    return centre + offset / (1 + g * t), -_radial_log_det(g, t, y.size)


def sylvester(
    x: Array, vectors: Array, outer: Array, inner: Array, diagonals: Array, b: Array, *, bend: Bend
) -> tuple[Array, Array]:
    """Return f(x) = x + Q R h(R~ Q^T x + b) and log|det df/dx| = sum(log(1 + h'_i r_ii r~_ii)).

    Q has m orthonormal columns, R and R~ are upper triangular. r_ii is changed so that r_ii r~_ii > -1 for every i, as
    u is in `planar`, which is the case m = 1. R~ may be singular. Q is the first m columns of a product of k
    Householder reflections, exact to rounding: with m < n and k = m it is any matrix of orthonormal columns (the
    paper's orthogonal flow, which orthogonalises by iteration), with m = n and k > 0 the Householder flow, with m = n
    and k = 0, Q = I, the triangular flow.

    Args:
        x: shape (n,).
        vectors: of the reflections, shape (k, n).
        outer: R above its diagonal, shape (m, m).
        inner: R~ above its diagonal, shape (m, m).
        diagonals: of R, unconstrained, and of R~, shape (2, m).
        b: shape (m,).
        bend: h, see `planar`.

    Returns:
        y, shape (n,), and the log-determinant, a scalar in nats; O(n k + m^2).

    Gradients: as `planar`.
    Reference: van den Berg et al. 2018, Sylvester Normalizing Flows for Variational Inference, arXiv:1803.05649,
        theorems 1 and 2 and section 3 (the three parameterisations of Q).
    """
    into, out_of = _columns(vectors, b.size)
    R, S, m = _sylvester_triangles(outer, inner, diagonals)
    value, slope = _bent(matmul(S, into(x)) + b, bend)
    return x + out_of(matmul(R, value)), jnp.sum(jnp.log1p(m * slope))  # as in `planar`


def sylvester_inverse(
    y: Array, vectors: Array, outer: Array, inner: Array, diagonals: Array, b: Array, *, bend: Bend
) -> tuple[Array, Array]:
    """Inverse of `sylvester`, with the same parameters: x, and log|det dx/dy|.

    With a = R~ Q^T x + b, R~ Q^T y + b = a + R~ R h(a). R~ R is upper triangular with the diagonal r_ii r~_ii, so the
    last equation has one unknown, and each of the others one that is new: m roots in turn, see `ridge`. What the later
    elements add is R~ times the sum of their columns of R, which grows by one column a turn: O(m^2) in all. In the
    end this sum is R h(a), and x = y - Q R h(a).
    """
    into, out_of = _columns(vectors, b.size)
    R, S, m = _sylvester_triangles(outer, inner, diagonals)

    def turn(step: Array, given: tuple) -> tuple[Array, Array]:
        row, column, target, product = given
        value, slope = _bent(ridge(target - matmul(row, step), product, bend=bend), bend)
        return step + column * value, jnp.log1p(product * slope)

    target = matmul(S, into(y)) + b
    step, log_slopes = jax.lax.scan(turn, jnp.zeros_like(target), (S, R.T, target, m), reverse=True)
    return y - out_of(step), -jnp.sum(log_slopes)


def _above_minus_one(s: Array) -> Array:
    """Return m > -(1 - MIN_SLOPE) with m = s for s >= 0, continuous with its slope."""
    most = 1 - MIN_SLOPE
    return jnp.where(s < 0, most * jnp.expm1(jnp.minimum(s, 0.0) / most), s)


def _upright(u: Array, w: Array) -> tuple[Array, Array]:
    """Return u^ of `planar`, and m = w^T u^."""
    length = _length(w)
    direction = w / jnp.where(length > 0, length, 1.0)
    along, m = _steeper(matmul(direction, u), length)
    return u + along * direction, m


def _steeper(along: Array, length: Array) -> tuple[Array, Array]:
    """Return what is added to u along w, and m = w^T u^, from u's part along w and the length of w."""
    s = length * along
    m = _above_minus_one(s)
    # (m - s) / length is O(length) where s is small; at length 0 it is 0.
    return jnp.where(length > 0, (m - s) / jnp.where(length > 0, length, 1.0), 0.0), m


def _length(vector: Array) -> Array:
    """Return the Euclidean length, held where its square would overflow; at zero its gradient is zero."""
    squared = jnp.sum(hold(vector, reach=3 / 8) ** 2)
    return jnp.where(squared > 0, jnp.sqrt(jnp.where(squared > 0, squared, 1.0)), 0.0)


def _bent(a: Array, bend: Bend) -> tuple[Array, Array]:
    """Return h(a) and h'(a)."""
    if bend == "leaky_relu":
        slope = jnp.where(a >= 0, 1.0, jnp.asarray(_LEAK, a.dtype))
        return a * slope, slope
    value = jnp.tanh(a)
    return value, (1 - value) * (1 + value)


def _radial_log_det(g: Array, t: Array, size: int) -> Array:
    # g > -1 + MIN_SLOPE and 0 <= t <= 1: both logarithms see at least MIN_SLOPE.
    return (size - 1) * jnp.log1p(g * t) + jnp.log1p(g * t**2)


def _sylvester_triangles(outer: Array, inner: Array, diagonals: Array) -> tuple[Array, Array, Array]:
    """Return R, R~ and the products of their diagonals."""
    r, r_inner = diagonals
    sign = jnp.where(r_inner < 0, -1.0, 1.0).astype(r.dtype)
    along, m = _steeper(sign * r, jnp.abs(r_inner))
    R = jnp.triu(outer, 1) + jnp.diag(r + sign * along)
    return R, jnp.triu(inner, 1) + jnp.diag(r_inner), m


def _columns(vectors: Array, columns: int) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """Return the products with Q^T and with Q, the first columns of a product of reflections."""
    if not vectors.shape[0]:
        return lambda x: x, lambda v: v
    units, weighted = reflections(vectors)

    def into(x: Array) -> Array:
        return (x - matmul(weighted.T, matmul(units, x)))[:columns]

    def out_of(v: Array) -> Array:
        padded = jnp.pad(v, (0, vectors.shape[1] - columns))
        return padded - matmul(units.T, matmul(weighted, padded))

    return into, out_of
