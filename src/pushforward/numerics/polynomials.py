"""Increasing polynomials: Bernstein's with increasing coefficients, and integrals of sums of squares."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

MIN_INCREMENT = 1e-3
"""Smallest difference of neighbouring Bernstein coefficients, where the identity has 1."""

MIN_SLOPE = 1e-3
"""What is added to a sum of squares; the rest starts at 1 - MIN_SLOPE."""

_SHIFT = math.log(math.expm1(1))  # softplus(_SHIFT) = 1


def bernstein(x: Array, shift: Array, increments: Array, *, bound: float) -> tuple[Array, Array]:
    """Bernstein polynomial on [-bound, bound] with increasing coefficients.

    With t = (x + bound) / (2 bound) in [0, 1], y = sum_k c_k B_k,n(t), the coefficients c_0 < ... < c_n centred around
    the shift. dy/dx = n / (2 bound) sum_k (c_(k+1) - c_k) B_k,n-1(t), a sum of positive numbers.

    Args:
        x: numbers in [-bound, bound], shape `shape`.
        shift: the mean of the first and the last coefficient, shape `shape`.
        increments: unconstrained differences of coefficients, shape (n, *shape).
        bound: half width of the interval.

    Returns:
        y and log_dydx, both of x's shape; log_dydx in nats. At parameters zero y = x.

    Gradients: finite for x in the interval and parameters up to 1e15.
    Accuracy: float32, an error of 1e-6 * bound * (1 + the largest slope)
        (tests/numerics/test_polynomials.py::test_bernstein_matches_scipy).
    Reference: Sick et al. 2021, Deep transformation models, arXiv:2004.00464, section 3.2; Ramasinghe et al. 2022,
        Robust normalizing flows using Bernstein-type polynomials, arXiv:2102.03509, eq. 3-4.
    """
    degree = increments.shape[0]
    positive = MIN_INCREMENT + (1 - MIN_INCREMENT) * jax.nn.softplus(increments + _SHIFT)
    steps = 2 * bound / degree * positive
    left = shift - 0.5 * jnp.sum(steps, axis=0)
    # Coefficient k, the sum of the steps before it: as numbers of one sign, so nothing cancels among them.
    before = jnp.cumsum(steps, axis=0) - steps
    t = (x + bound) / (2 * bound)
    basis = _bernstein_basis(t, degree - 1)
    # B_k,n = (1 - t) B_k,n-1 + t B_k-1,n-1, so sum_k c_k B_k,n = sum_k (c_k + t (c_(k+1) - c_k)) B_k,n-1.
    y = left + jnp.sum(basis * (before + t * steps), axis=0)
    # The basis sums to 1 and every increment is at least MIN_INCREMENT, and so is the sum.
    return y, jnp.log(jnp.sum(basis * positive, axis=0))


def _bernstein_basis(t: Array, degree: int) -> Array:
    """Return all Bernstein polynomials of a degree at t in [0, 1], shape (degree + 1, *t.shape)."""
    rising, falling = [jnp.ones_like(t)], [jnp.ones_like(t)]
    for _ in range(degree):
        rising.append(rising[-1] * t)
        falling.append(falling[-1] * (1 - t))
    terms = zip(rising, reversed(falling), strict=True)
    return jnp.stack([math.comb(degree, k) * up * down for k, (up, down) in enumerate(terms)])


def sum_of_squares(x: Array, shift: Array, coefficients: Array, *, bound: float) -> tuple[Array, Array]:
    """Integral of a sum of squared polynomials, and a positive number, from 0 to x.

    y = shift + int_0^x (MIN_SLOPE + sum_k p_k(u / bound)^2) du, p_k(t) = sum_l coefficients[k, l] t^l. The integrand is
    a polynomial of degree 2 r, for which Gauss and Legendre's r + 1 nodes are exact; unlike the expanded sum it adds up
    positive numbers only.

    Args:
        x: numbers in [-bound, bound], shape `shape`.
        shift: y at x = 0, shape `shape`.
        coefficients: of each polynomial, shape (terms, r + 1, *shape).
        bound: half width of the interval, the unit of the polynomials' argument.

    Returns:
        y and log_dydx, both of x's shape; log_dydx in nats.

    Gradients: finite for x in the interval and coefficients up to 1e15.
    Accuracy: float32, a relative error of 1e-6 of y - shift
        (tests/numerics/test_polynomials.py::test_sum_of_squares_matches_the_expanded_integral).
    Reference: Jaini et al. 2019, Sum-of-Squares Polynomial Flow, arXiv:1905.02325, eq. 8 and theorem 3.
    """
    nodes, weights = np.polynomial.legendre.leggauss(coefficients.shape[1])
    mean = sum(
        0.5 * weight * _squares(0.5 * (1 + node) * x / bound, coefficients)
        for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True)
    )
    # At least MIN_SLOPE.
    return shift + x * mean, jnp.log(_squares(x / bound, coefficients))


def _squares(t: Array, coefficients: Array) -> Array:
    value = jnp.zeros_like(t)
    for power in reversed(range(coefficients.shape[1])):
        value = value * t + coefficients[:, power]
    return MIN_SLOPE + jnp.sum(jnp.square(value), axis=0)
