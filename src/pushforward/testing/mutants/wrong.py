"""Mutants with wrong mathematics: log-determinants, inversion, structure."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .made import Made, Pair, back, before, made_affine, mutant, onward, relative, then


@relative(structure="diagonal", increasing=True)
def affine() -> Made:
    """Y = exp(log_scale) * x + shift."""
    return made_affine()


# Logarithms of the Jacobian's determinant.


@mutant("log_det_forward")
def wrong_sign() -> Made:
    """Both log-dets have the wrong sign, so that they still cancel."""

    def forward(p: dict[str, Any], x: Array) -> Pair:
        return onward(p, x)[0], -jnp.sum(p["log_scale"])

    def inverse(p: dict[str, Any], y: Array) -> Pair:
        return back(p, y)[0], jnp.sum(p["log_scale"])

    return made_affine(forward, inverse)


@mutant("log_det_forward")
def missing_factor() -> Made:
    """Y = 2 exp(log_scale) x, but the log-dets leave out the 2."""
    return made_affine(
        lambda p, x: (2 * x * jnp.exp(p["log_scale"]) + p["shift"], jnp.sum(p["log_scale"])),
        lambda p, y: ((y - p["shift"]) * jnp.exp(-p["log_scale"]) / 2, -jnp.sum(p["log_scale"])),
    )


@mutant("log_det_inverse")
def inverse_not_negated() -> Made:
    """The inverse returns the log-det of the forward map."""
    return made_affine(inverse=lambda p, y: (back(p, y)[0], jnp.sum(p["log_scale"])))


@mutant("log_det_forward")
def mean_instead_of_sum() -> Made:
    """The log-dets are means over the elements."""
    return made_affine(
        lambda p, x: (onward(p, x)[0], jnp.mean(p["log_scale"])),
        lambda p, y: (back(p, y)[0], -jnp.mean(p["log_scale"])),
    )


@mutant("log_det_inverse")
def log2_instead_of_log() -> Made:
    """The log-dets are in bits."""
    bits = 1 / np.log(2.0)
    return made_affine(
        lambda p, x: (onward(p, x)[0], float(bits) * jnp.sum(p["log_scale"])),
        lambda p, y: (back(p, y)[0], float(-bits) * jnp.sum(p["log_scale"])),
    )


@mutant("log_det_shape")
def unsummed() -> Made:
    """The log-dets are those of the elements, not of the event."""
    return made_affine(
        lambda p, x: (onward(p, x)[0], p["log_scale"]), lambda p, y: (back(p, y)[0], -p["log_scale"])
    )


def _cubic(p: dict[str, Any], x: Array) -> Pair:
    x = x + p["shift"]
    return x + jnp.square(x) * x, jnp.sum(jnp.log1p(3 * jnp.square(x)))


def _uncubic(p: dict[str, Any], y: Array) -> Pair:
    # Cardano's root of x^3 + x - y = 0, written with arcsinh so that nothing cancels.
    third = 2 / np.sqrt(3.0)
    x = float(third) * jnp.sinh(jnp.arcsinh(float(1.5 * np.sqrt(3.0)) * y) / 3)
    return x - p["shift"], -jnp.sum(jnp.log1p(3 * jnp.square(x)))


_MODERATE = (0.0, 1e-30, 1.0, -1.0, 1e4, -1e4)


@relative(structure="diagonal", increasing=True, extremes=_MODERATE)
def cubic() -> Made:
    """Y = u + u^3 with u = x + shift; its cube leaves float32 near 1e12."""
    return Made({"shift": jnp.zeros(3)}, _cubic, _uncubic)


@mutant("log_dets_negate", extremes=_MODERATE)
def log_det_at_the_wrong_end() -> Made:
    """The inverse evaluates its log-det at y instead of x."""

    def inverse(p: dict[str, Any], y: Array) -> Pair:
        return _uncubic(p, y)[0], -_cubic(p, y)[1]

    return Made({"shift": jnp.zeros(3)}, _cubic, inverse)


# Inversion.


@mutant("round_trip_x")
def saturated_tanh() -> Made:
    """Y = tanh(x), said to map all real numbers onto all real numbers: at 100 it has forgotten x."""
    return made_affine(
        lambda p, x: then(jnp.tanh, _log_tanh_slope, onward(p, x)),
        lambda p, y: before(jnp.arctanh, _log_tanh_slope, y, lambda u: back(p, u)),
    )


def _log_tanh_slope(u: Array) -> Array:
    # log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2 u)), without cancellation.
    return 2 * (float(np.log(2.0)) - u - jax.nn.softplus(-2 * u))


@mutant("round_trip_x")
def rounded_away() -> Made:
    """The way out adds 1e8 and the way back subtracts it: within one compiled program this looks exact."""
    return made_affine(lambda p, x: (onward(p, x)[0] + 1e8, onward(p, x)[1]), lambda p, y: back(p, y - 1e8))


@mutant("round_trip_y")
def rounded_to_float32() -> Made:
    """A cast to float32 hides inside a float64 path; the dtypes at both ends are right."""

    def inverse(p: dict[str, Any], y: Array) -> Pair:
        return back(p, y.astype(jnp.float32).astype(y.dtype) * (1 + 1e-9))

    return made_affine(inverse=inverse)


class _Memory:
    """A mutable object that a broken bijector keeps to itself."""

    def __init__(self) -> None:
        self.kept: Any = None


@mutant("round_trip_x")
def inverse_from_a_cache() -> Made:
    """The inverse of a rounding map works only for the very object that forward returned."""
    memory = _Memory()

    def forward(p: dict[str, Any], x: Array) -> Pair:
        y, log_det = onward(p, x)
        memory.kept = (jnp.round(y), x)
        return memory.kept[0], log_det

    def inverse(p: dict[str, Any], y: Array) -> Pair:
        x, log_det = back(p, y)
        return (memory.kept[1] if memory.kept is not None and memory.kept[0] is y else x), log_det

    return made_affine(forward, inverse)


@mutant("round_trip_y")
def not_onto() -> Made:
    """Y = exp(...), said to reach all real numbers: a negative y has no x."""
    return made_affine(
        lambda p, x: then(jnp.exp, lambda u: u, onward(p, x)),
        lambda p, y: before(jnp.log, lambda u: u, y, lambda u: back(p, u)),
    )


@mutant("round_trip_x")
def swapped_mask() -> Made:
    """A coupling whose inverse conditions on the other half."""
    return _coupling(lambda p, y: _couple(p, y[::-1], -1)[::-1])


def _couple(p: dict[str, Any], x: Array, sign: int) -> Array:
    return jnp.concatenate([x[:2], x[2:] + sign * jnp.tanh(p["weight"] @ x[:2])])


def _coupling(uncouple: Callable[[dict[str, Any], Array], Array]) -> Made:
    def forward(p: dict[str, Any], x: Array) -> Pair:
        return _couple(p, x, 1), jnp.zeros_like(x[0])

    def inverse(p: dict[str, Any], y: Array) -> Pair:
        return uncouple(p, y), jnp.zeros_like(y[0])

    return Made({"weight": jnp.array([[0.7, -0.4], [0.2, 0.9]])}, forward, inverse, (4,))


@relative(structure=np.eye(4, dtype=bool) | np.array([[0] * 4] * 2 + [[1, 1, 0, 0]] * 2, dtype=bool))
def additive_coupling() -> Made:
    """The second half shifted by a function of the first."""
    return _coupling(lambda p, y: _couple(p, y, -1))


# Structure.


def _masked(diagonal: int) -> Made:
    def matrix(p: dict[str, Any]) -> Array:
        return jnp.eye(3, dtype=p["weight"].dtype) + jnp.tril(p["weight"], diagonal)

    def forward(p: dict[str, Any], x: Array) -> Pair:
        return matrix(p) @ x, jnp.linalg.slogdet(matrix(p))[1]

    def inverse(p: dict[str, Any], y: Array) -> Pair:
        return jnp.linalg.solve(matrix(p), y), -jnp.linalg.slogdet(matrix(p))[1]

    return Made({"weight": jnp.full((3, 3), 0.3)}, forward, inverse)


@mutant("structure", structure="lower")
def off_by_one_mask() -> Made:
    """An autoregressive mask that lets each output see the next input as well."""
    return _masked(1)


@mutant("monotone", increasing=True)
def unsorted_knots() -> Made:
    """A piecewise linear map through knots that are neither sorted nor accumulated."""

    def forward(p: dict[str, Any], x: Array) -> Pair:
        grid = jnp.linspace(-3.0, 3.0, 7, dtype=x.dtype)
        slopes = jnp.diff(p["knots"])
        index = jnp.clip(jnp.searchsorted(grid, x) - 1, 0, 5)
        slope = slopes[index]
        return p["knots"][index] + slope * (x - grid[index]), jnp.sum(jnp.log(jnp.abs(slope)))

    return Made({"knots": jnp.array([-3.0, -2.0, 1.0, -1.0, 2.0, 1.5, 3.0])}, forward, forward)


@mutant("identity_at_init", identity_at_init=True)
def not_the_identity() -> Made:
    """Said to start as the identity, but its shift does not start at zero."""
    return made_affine()
