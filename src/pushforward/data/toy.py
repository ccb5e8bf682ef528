"""Toy densities in the plane: generators, exact log-densities and known entropies.

Each toy is a function `name(key, n)` that draws n points, and a function `name_log_prob(x)`; `TOYS` holds
both with the differential entropy, which is the least negative log-likelihood that any model can reach.
Shapes and scales are those of Grathwohl et al. 2019, FFJORD, arXiv:1810.01367, whose toys most papers draw.
Where that generator spaces points evenly along a curve (moons, circles, rings), the point on the curve is
uniform here, so that draws are independent and have a density.
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.scipy.special import i0e, log_ndtr, logsumexp
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..errors import ShapeError

_LOG_2_PI = math.log(2 * math.pi)
_BLOCK = 1024  # rows in one call: bounds the memory of a quadrature, and one program serves every batch

_MOONS_NOISE = 0.2
_RING_RADII, _RINGS_NOISE = (3.0, 2.25, 1.5, 0.75), 0.08
_CIRCLE_RADII, _CIRCLES_NOISE = (3.0, 1.5), 0.24
_GAUSSIANS_RADIUS, _GAUSSIANS_NOISE = 4 / 1.414, 0.5 / 1.414
_CHECKERBOARD_CENTRES = tuple((a, b) for a in (-3, -1, 1, 3) for b in (-3, -1, 1, 3) if (a + b) % 4 == 2)
_PINWHEEL_ARMS, _PINWHEEL_RATE, _PINWHEEL_NOISE = 5, 0.25, (0.3, 0.1)
_SPIRAL_END, _SPIRAL_BLUR, _SPIRAL_NOISE = 3 * math.pi, 0.5 / 3, 0.1
_ROLL_START, _ROLL_END, _ROLL_NOISE = 1.5 * math.pi, 4.5 * math.pi, 0.2


class Toy(NamedTuple):
    """A toy density: `sample(key, n)`, `log_prob(x)` in nats, and the entropy in nats."""

    sample: Callable[[PRNGKeyArray, int], Array]
    log_prob: Callable[[ArrayLike], Array]
    entropy: float


def _density(log_prob_of_one: Callable[[Array], Array]) -> Callable[[ArrayLike], Array]:
    """Turn the log-density of one point into that of a batch, with the shape checked."""
    of_block = jax.jit(jax.vmap(log_prob_of_one))

    @functools.wraps(log_prob_of_one)
    def log_prob(x: ArrayLike) -> Array:
        points = jnp.asarray(x, jnp.result_type(float, x))
        if points.ndim == 0 or points.shape[-1] != 2:
            raise ShapeError(
                f"{log_prob_of_one.__name__}: expected points of shape (..., 2), got shape {points.shape}."
            )
        rows = points.reshape(-1, 2)
        padded = jnp.pad(rows, ((0, -len(rows) % _BLOCK), (0, 0)))
        blocks = [of_block(padded[start : start + _BLOCK]) for start in range(0, len(rows), _BLOCK)]
        found = jnp.concatenate([*blocks, jnp.zeros(0, points.dtype)])
        return found[: len(rows)].reshape(points.shape[:-1])

    return log_prob


def moons(key: PRNGKeyArray, n: int) -> Array:
    """Two half circles that reach into one another.

    They are those of scikit-learn's `make_moons(noise=0.1)`, times 2, minus (1, 0.2).

    Args:
        key: a JAX random key.
        n: how many points.

    Returns:
        Points of shape (n, 2), independent draws.
    """
    which, where, noise = jr.split(key, 3)
    angle = jr.uniform(where, (n,), maxval=math.pi)
    upper = jr.bernoulli(which, 0.5, (n, 1))
    centres = jnp.where(upper, _moon(angle, upper=True), _moon(angle, upper=False))
    return centres + _MOONS_NOISE * jr.normal(noise, (n, 2))


@_density
def moons_log_prob(x: Array) -> Array:
    """Log-density of `moons` in nats, x of shape (..., 2), by Gauss-Legendre quadrature over the angle.

    Accuracy: 1e-9 in float64 for |x| <= 8 (tests/data/test_toy.py::test_quadrature_has_converged).
    """
    nodes, weights = _gauss_legendre(0.0, math.pi, 128, x.dtype)
    centres = jnp.concatenate([_moon(nodes, upper=True), _moon(nodes, upper=False)])
    return _noisy(x, centres, jnp.log(jnp.concatenate([weights, weights]) / (2 * math.pi)), _MOONS_NOISE)


def _moon(angle: ArrayLike, *, upper: bool) -> Array:
    """Return the point at an angle: (cos, sin) or (1 - cos, 1/2 - sin), times 2, minus (1, 0.2)."""
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    if upper:
        return jnp.stack([2 * cos - 1, 2 * sin - 0.2], axis=-1)
    return jnp.stack([1 - 2 * cos, 0.8 - 2 * sin], axis=-1)


def rings(key: PRNGKeyArray, n: int) -> Array:
    """Four circles around the origin, of radius 3, 2.25, 1.5 and 0.75, with noise of 0.08; see `moons`."""
    return _on_circles(key, n, _RING_RADII, _RINGS_NOISE)


@_density
def rings_log_prob(x: Array) -> Array:
    """Log-density of `rings` in nats, x of shape (..., 2), in closed form."""
    return _circles_density(x, _RING_RADII, _RINGS_NOISE)


def circles(key: PRNGKeyArray, n: int) -> Array:
    """Two circles: scikit-learn's `make_circles(factor=0.5, noise=0.08)` times 3; see `moons`."""
    return _on_circles(key, n, _CIRCLE_RADII, _CIRCLES_NOISE)


@_density
def circles_log_prob(x: Array) -> Array:
    """Log-density of `circles` in nats, x of shape (..., 2), in closed form."""
    return _circles_density(x, _CIRCLE_RADII, _CIRCLES_NOISE)


def _on_circles(key: PRNGKeyArray, n: int, radii: tuple[float, ...], noise: float) -> Array:
    which, where, blur = jr.split(key, 3)
    radius = jnp.asarray(radii)[jr.randint(which, (n, 1), 0, len(radii))]
    angle = jr.uniform(where, (n,), maxval=2 * math.pi)
    return radius * _unit(angle) + noise * jr.normal(blur, (n, 2))


def _circles_density(x: Array, radii: tuple[float, ...], noise: float) -> Array:
    """Equal mixture of uniform circles blurred by normal noise.

    The mean over the angle of N(x; r (cos, sin), s^2) is exp(-(|x|^2 + r^2) / (2 s^2)) I0(|x| r / s^2) / (2
    pi s^2); with i0e(t) = exp(-t) I0(t) the exponent becomes -(|x| - r)^2 / (2 s^2), which neither overflows
    nor cancels. i0e is positive, so the logarithm is finite.
    """
    distance, radius = _length(x), jnp.asarray(radii, x.dtype)
    bessel = jnp.log(i0e(distance * radius / noise**2))
    terms = bessel - 0.5 * jnp.square((distance - radius) / noise)
    return logsumexp(terms) - math.log(len(radii)) - _LOG_2_PI - 2 * math.log(noise)


def eight_gaussians(key: PRNGKeyArray, n: int) -> Array:
    """Eight normals of standard deviation 0.5/1.414 on a circle of radius 4/1.414; see `moons`."""
    which, noise = jr.split(key)
    angle = jr.randint(which, (n,), 0, 8) * (math.pi / 4)
    return _GAUSSIANS_RADIUS * _unit(angle) + _GAUSSIANS_NOISE * jr.normal(noise, (n, 2))


@_density
def eight_gaussians_log_prob(x: Array) -> Array:
    """Log-density of `eight_gaussians` in nats, x of shape (..., 2), in closed form."""
    centres = _GAUSSIANS_RADIUS * _unit(jnp.arange(8) * (math.pi / 4))
    return _noisy(x, centres, jnp.full(8, -math.log(8)), _GAUSSIANS_NOISE)


def checkerboard(key: PRNGKeyArray, n: int) -> Array:
    """Uniform on the eight dark squares, of side 2, of a board on [-4, 4]^2; see `moons`."""
    which, where = jr.split(key)
    centres = jnp.asarray(_CHECKERBOARD_CENTRES, float)
    return centres[jr.randint(which, (n,), 0, 8)] + jr.uniform(where, (n, 2), minval=-1.0)


@_density
def checkerboard_log_prob(x: Array) -> Array:
    """Log-density of `checkerboard` in nats, x of shape (..., 2): -log 32 on the dark squares, else -inf."""
    centres = jnp.asarray(_CHECKERBOARD_CENTRES, x.dtype)
    inside = jnp.any(jnp.max(jnp.abs(x - centres), axis=-1) <= 1)
    log_prob = jnp.where(jnp.any(jnp.isnan(x)), jnp.nan, jnp.where(inside, -math.log(32), -jnp.inf))
    return log_prob.astype(x.dtype)


def pinwheel(key: PRNGKeyArray, n: int) -> Array:
    """Five curved arms; see `moons`.

    Normal points (a, b) with a ~ N(1, 0.3) and b ~ N(0, 0.1) are turned by exp(a) / 4 plus the angle of one
    of five arms, and doubled.
    """
    which, noise = jr.split(key)
    a, b = (jnp.asarray(_PINWHEEL_NOISE) * jr.normal(noise, (n, 2)) + jnp.asarray([1.0, 0.0])).T
    turn = jr.randint(which, (n,), 0, _PINWHEEL_ARMS) * (2 * math.pi / _PINWHEEL_ARMS)
    turn = turn + _PINWHEEL_RATE * jnp.exp(a)
    cos, sin = jnp.cos(turn), jnp.sin(turn)
    return 2 * jnp.stack([a * cos + b * sin, b * cos - a * sin], axis=-1)


@_density
def pinwheel_log_prob(x: Array) -> Array:
    """Log-density of `pinwheel` in nats, x of shape (..., 2), by change of variables.

    With (a, b) = r (cos t, sin t) the map keeps r = |x| / 2 and turns t into g(t) = t - exp(r cos t) / 4 -
    arm, so |det| = 4 g'(t) = 4 (1 + b exp(a) / 4). It is one to one as far as the mass goes: it folds over
    where b < -4 exp(-a), which has probability 1.5e-9 and is left out of the density.
    """
    r = _length(x) / 2
    arm = jnp.arange(_PINWHEEL_ARMS, dtype=x.dtype) * (2 * math.pi / _PINWHEEL_ARMS)
    angle = _pinwheel_angle(r, jnp.arctan2(x[1], x[0]) + arm)
    a, b = r * jnp.cos(angle), r * jnp.sin(angle)
    slope = jnp.abs(1 + _PINWHEEL_RATE * jnp.exp(a) * b)
    radial, tangential = _PINWHEEL_NOISE
    terms = -0.5 * (jnp.square((a - 1) / radial) + jnp.square(b / tangential)) - jnp.log(slope)
    scale = _PINWHEEL_ARMS * 4 * radial * tangential
    return logsumexp(terms) - math.log(scale) - _LOG_2_PI


def _pinwheel_angle(r: Array, target: Array) -> Array:
    """Solve t - exp(r cos t) / 4 = target modulo 2 pi by bisection, on the turn that starts at the fold."""

    def g(t: Array) -> Array:
        return t - _PINWHEEL_RATE * jnp.exp(r * jnp.cos(t))

    def slope(t: Array) -> Array:
        return 1 + _PINWHEEL_RATE * r * jnp.exp(r * jnp.cos(t)) * jnp.sin(t)

    # The slope is least at t = -acos(c), where r sin^2 t = cos t; on [-acos(c), 0] it rises to 1. Its root
    # there is the fold. Without a root the bisection ends at the least slope, and any start does: g rises
    # everywhere.
    safe = jnp.maximum(r, 1e-3)
    low = -jnp.arccos(jnp.clip((jnp.sqrt(1 + 4 * safe**2) - 1) / (2 * safe), 0, 1))
    fold, _ = _bisect(lambda t: slope(t) > 0, low, jnp.zeros_like(low))
    fold = jax.lax.stop_gradient(fold)
    start = g(fold)
    goal = start + jnp.mod(target - start, 2 * math.pi)
    turn = jnp.full_like(goal, fold)
    low, high = _bisect(lambda t: g(t) > goal, turn, turn + 2 * math.pi)
    angle = jax.lax.stop_gradient((low + high) / 2)
    return angle - (g(angle) - goal) / slope(angle)  # one Newton step: it carries the derivative


def _bisect(above: Callable[[Array], Array], low: Array, high: Array) -> tuple[Array, Array]:
    def halve(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        return jnp.where(above(middle), low, middle), jnp.where(above(middle), middle, high)

    return jax.lax.fori_loop(0, 52, halve, (low, high))


def two_spirals(key: PRNGKeyArray, n: int) -> Array:
    """Two arms of an Archimedean spiral; see `moons`.

    The arms are +-(-t cos t + u, t sin t + v) / 3 with t = 3 pi sqrt(uniform) and u, v uniform on [0, 1/2],
    plus normal noise of 0.1.
    """
    sign, where, blur, noise = jr.split(key, 4)
    t = _SPIRAL_END * jnp.sqrt(jr.uniform(where, (n,)))
    arm = _spiral(t) + jr.uniform(blur, (n, 2), maxval=_SPIRAL_BLUR)
    return arm * jr.rademacher(sign, (n, 1)) + _SPIRAL_NOISE * jr.normal(noise, (n, 2))


@_density
def two_spirals_log_prob(x: Array) -> Array:
    """Log-density of `two_spirals` in nats, x of shape (..., 2), by Gauss-Legendre quadrature along the arm.

    Accuracy: 1e-6 in float64 for |x| <= 5 (tests/data/test_toy.py::test_quadrature_has_converged).
    """
    nodes, weights = _gauss_legendre(0.0, _SPIRAL_END, 384, x.dtype)
    log_weights = jnp.log(weights * nodes / _SPIRAL_END**2)  # density 2 t / (3 pi)^2, half of it for each arm
    from_corner = jnp.stack([x, -x])[:, None] - _spiral(nodes)  # of either arm, shape (2, nodes, 2)
    return logsumexp(_log_box(from_corner).sum(axis=-1) + log_weights)


def _log_box(x: Array) -> Array:
    """Log-density of uniform on [0, blur] plus normal noise: log((Phi(x / s) - Phi((x - blur) / s)) / blur).

    The density is even about the middle of the box, so x is mirrored to the side where both terms are lower
    tails, whose difference does not cancel. There high > low, so the argument of log1p is above -1.
    """
    middle = _SPIRAL_BLUR / 2
    mirrored = middle - jnp.abs(x - middle)
    high, low = log_ndtr(mirrored / _SPIRAL_NOISE), log_ndtr((mirrored - _SPIRAL_BLUR) / _SPIRAL_NOISE)
    return high + jnp.log1p(-jnp.exp(low - high)) - math.log(_SPIRAL_BLUR)


def _spiral(t: ArrayLike) -> Array:
    t = jnp.asarray(t)
    return t[..., None] * jnp.stack([-jnp.cos(t), jnp.sin(t)], axis=-1) / 3


def swiss_roll(key: PRNGKeyArray, n: int) -> Array:
    """One arm of an Archimedean spiral: the plane of `make_swiss_roll(noise=1)` over 5; see `moons`.

    The arm is t (cos t, sin t) / 5 with t uniform on [1.5 pi, 4.5 pi], plus normal noise of 0.2.
    """
    where, noise = jr.split(key)
    t = jr.uniform(where, (n,), minval=_ROLL_START, maxval=_ROLL_END)
    return (t / 5)[:, None] * _unit(t) + _ROLL_NOISE * jr.normal(noise, (n, 2))


@_density
def swiss_roll_log_prob(x: Array) -> Array:
    """Log-density of `swiss_roll` in nats, x of shape (..., 2), by Gauss-Legendre quadrature along the curve.

    Accuracy: 1e-9 in float64 for |x| <= 5 (tests/data/test_toy.py::test_quadrature_has_converged).
    """
    nodes, weights = _gauss_legendre(_ROLL_START, _ROLL_END, 256, x.dtype)
    centres = (nodes / 5)[:, None] * _unit(nodes)
    return _noisy(x, centres, jnp.log(weights / (_ROLL_END - _ROLL_START)), _ROLL_NOISE)


def _length(x: Array) -> Array:
    # The square is kept off 0, where the root has no derivative; the densities are flat there.
    return jnp.sqrt(jnp.maximum(jnp.sum(jnp.square(x)), jnp.finfo(x.dtype).tiny))


def _unit(angle: ArrayLike) -> Array:
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)


def _noisy(x: Array, centres: Array, log_weights: Array, noise: float) -> Array:
    """Log-density of a mixture of round normals: log sum_k w_k N(x; c_k, noise^2), x of shape (2,)."""
    squares = jnp.sum(jnp.square((x - centres.astype(x.dtype)) / noise), axis=-1)
    return logsumexp(log_weights.astype(x.dtype) - 0.5 * squares) - _LOG_2_PI - 2 * math.log(noise)


def _gauss_legendre(low: float, high: float, count: int, dtype: np.dtype) -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    nodes, weights = low + (high - low) * (nodes + 1) / 2, (high - low) / 2 * weights
    return jnp.asarray(nodes, dtype), jnp.asarray(weights, dtype)


TOYS: dict[str, Toy] = {
    "checkerboard": Toy(checkerboard, checkerboard_log_prob, math.log(32)),
    "circles": Toy(circles, circles_log_prob, 3.26814),
    "eight_gaussians": Toy(eight_gaussians, eight_gaussians_log_prob, 2.83188),
    "moons": Toy(moons, moons_log_prob, 2.39388),
    "pinwheel": Toy(pinwheel, pinwheel_log_prob, 2.31779),
    "rings": Toy(rings, rings_log_prob, 2.62318),
    "swiss_roll": Toy(swiss_roll, swiss_roll_log_prob, 2.66965),
    "two_spirals": Toy(two_spirals, two_spirals_log_prob, 2.64545),
}
"""The toy densities by name. Entropies in nats, by quadrature of the exact density."""

ENTROPY: dict[str, float] = {name: toy.entropy for name, toy in TOYS.items()}
"""The least mean negative log-likelihood that a model can reach on each toy, in nats."""
