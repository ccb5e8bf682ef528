"""Named functions of one number with their log-derivatives and inverses, accurate in the tails.

Each returns the value and log|dy/dx| in nats, elementwise. The inverse of each is one of them too. Outside of the open
interval where a function is defined, it returns its argument and the log-derivative -inf, so that a density is zero
there; NaN stays NaN. Gradients are finite for every finite argument where the value is, and those of the identity
outside.
"""

import math

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr, ndtri
from jaxtyping import Array

from . import densities
from .densities import LOG_2
from .elementary import hold


def exp(x: Array) -> tuple[Array, Array]:
    """Return e^x. The log-derivative is x, also where e^x has underflowed. The inverse is `log`."""
    return jnp.exp(x), x


def log(y: Array) -> tuple[Array, Array]:
    """Return the natural logarithm for y > 0. The inverse is `exp`."""
    outside = y <= 0
    x = jnp.log(jnp.where(outside, 1.0, y))
    return _outside(outside, y, x, -x)


def softplus(x: Array) -> tuple[Array, Array]:
    """Return log(1 + exp(x)). The inverse is `softplus_inverse`."""
    return jax.nn.softplus(x), -jax.nn.softplus(-x)


def softplus_inverse(y: Array) -> tuple[Array, Array]:
    """Return log(exp(y) - 1) for y > 0, as y + log(1 - exp(-y)): no overflow, and log(y) for small y.

    Accuracy: a few rounding errors (tests/numerics/test_functions.py::test_against_scipy).
    """
    outside = y <= 0
    safe = jnp.where(outside, 1.0, y)
    # 1 - exp(-y) is in (0, 1] for y > 0, and exact to a rounding. Where it is near 1, so is the error of its logarithm.
    shrink = jnp.log(-jnp.expm1(-safe))
    return _outside(outside, y, safe + shrink, -shrink)


def sigmoid(x: Array) -> tuple[Array, Array]:
    """Return 1 / (1 + exp(-x)). The inverse is `logit`."""
    return jax.nn.sigmoid(x), densities.logistic(x)


def logit(y: Array) -> tuple[Array, Array]:
    """Return log(y / (1 - y)) for 0 < y < 1."""
    outside = (y <= 0) | (y >= 1)
    safe = jnp.where(outside, 0.5, y)
    low, high = jnp.log(safe), jnp.log1p(-safe)  # both arguments are in (0, 1)
    return _outside(outside, y, low - high, -low - high)


def tanh(x: Array) -> tuple[Array, Array]:
    """Return the hyperbolic tangent, whose derivative is 4 / (e^x + e^-x)^2. The inverse is `arctanh`."""
    return jnp.tanh(x), 2 * LOG_2 + densities.logistic(2 * hold(x, reach=7 / 8))


def arctanh(y: Array) -> tuple[Array, Array]:
    """Return log((1 + y) / (1 - y)) / 2 for -1 < y < 1."""
    outside = jnp.abs(y) >= 1
    safe = jnp.where(outside, 0.0, y)
    low, high = jnp.log1p(safe), jnp.log1p(-safe)  # both 1 + y and 1 - y are in (0, 2)
    return _outside(outside, y, (low - high) / 2, -low - high)


def power(x: Array, exponent: float) -> tuple[Array, Array]:
    """Return x^exponent for x > 0 and an exponent that is not 0. The inverse has the exponent 1 / exponent."""
    outside = x <= 0
    safe = jnp.where(outside, 1.0, x)
    log_dydx = math.log(abs(exponent)) + (exponent - 1) * jnp.log(safe)
    return _outside(outside, x, jnp.power(safe, exponent), log_dydx)


def normal_cdf(x: Array) -> tuple[Array, Array]:
    """Return the standard normal's distribution function. The inverse is `normal_quantile`."""
    return ndtr(x), densities.normal(hold(x, reach=3 / 8))


def normal_quantile(y: Array) -> tuple[Array, Array]:
    """Return x with `normal_cdf(x)` = y, for 0 < y < 1.

    Accuracy: tests/numerics/test_functions.py::test_against_scipy. Above 1/2, x is only as exact as 1 - y is.
    """
    outside = (y <= 0) | (y >= 1)
    x = _quantile(jnp.where(outside, 0.5, y))
    return _outside(outside, y, x, -densities.normal(x))


def leaky(x: Array, log_slope: Array) -> tuple[Array, Array]:
    """Return x for x >= 0 and exp(log_slope) * x for x < 0. The inverse has the log-slope -log_slope."""
    negative = x < 0
    # The factor is chosen, not the product, so that no product overflows where it is not used.
    log_dydx = jnp.where(negative, log_slope, 0.0) + jnp.zeros_like(x)
    return x * jnp.exp(log_dydx), log_dydx


@jax.custom_jvp
def _quantile(y: Array) -> Array:
    return ndtri(y)


@_quantile.defjvp
def _quantile_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    # dx/dy = 1 / density(x); the derivative of the rational approximation would be less exact.
    x = _quantile(primals[0])
    return x, jnp.exp(-densities.normal(x)) * tangents[0]


def _outside(outside: Array, given: Array, value: Array, log_derivative: Array) -> tuple[Array, Array]:
    return jnp.where(outside, given, value), jnp.where(outside, -jnp.inf, log_derivative)
