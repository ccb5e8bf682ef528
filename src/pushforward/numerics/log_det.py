"""log|det(I + J)| for a Jacobian J: exact, by a truncated power series, and by an unbiased estimator of the series."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

Function = Callable[[Array], Array]
"""A differentiable function of a vector to one of the same shape; it may close over arrays that are trained."""

_SMALL = 8
"""Size up to which a matrix is eliminated step by step, written out."""


def exact_log_det(g: Function, x: Array) -> tuple[Array, Array]:
    """Return g(x) and log|det(I + J)|, J the Jacobian of a contraction g at x, by n derivatives in forward mode.

    Up to 8 features the matrix is eliminated without exchanging rows, in plain arithmetic that runs along the batch.
    Where |J| < 1 the symmetric part of I + J is positive definite, and so is that of every Schur complement: all pivots
    are positive. Beyond, it is a library's LU factorisation.

    Args:
        g: maps shape (n,) to (n,).
        x: shape (n,).

    Returns:
        g(x), shape (n,), and the log-determinant, shape (), in nats.

    Gradients: exact, and finite where |J| < 1.
    Accuracy: rounding errors of about n^2 eps / (1 - |J|)
        (tests/numerics/test_log_det.py::test_exact_is_slogdet_of_the_jacobian).
    """

    def twice(point: Array) -> tuple[Array, Array]:
        value = g(point)
        return value, value

    jacobian, value = jax.jacfwd(twice, has_aux=True)(x)
    matrix = jnp.eye(x.size, dtype=jacobian.dtype) + jacobian
    return value, _eliminated(matrix) if x.size <= _SMALL else jnp.linalg.slogdet(matrix)[1]


def _eliminated(matrix: Array) -> Array:
    """Return log|det| as the sum of the pivots' logarithms; none is 0, see `exact_log_det`."""
    total = jnp.zeros((), matrix.dtype)
    for _ in range(matrix.shape[0]):
        pivot = matrix[0, 0]
        total = total + jnp.log(jnp.abs(pivot))
        matrix = matrix[1:, 1:] - jnp.outer(matrix[1:, 0] / pivot, matrix[0, 1:])
    return total


def series_log_det(g: Function, x: Array, key: PRNGKeyArray, *, terms: int) -> tuple[Array, Array]:
    """Return g(x) and an estimate of the first `terms` terms of log det(I + J) = sum_k (-1)^(k + 1) tr(J^k) / k.

    Traces are Hutchinson's, tr(M) = E v^T M v with v of independent signs, one v for all terms. The estimate is
    unbiased for the truncated series; `truncation_bound` bounds the rest.

    Args:
        g: maps shape (n,) to (n,); a contraction, as the series diverges where |J| >= 1.
        x: shape (n,).
        key: draws v.
        terms: number of terms, at least 1.

    Returns:
        g(x), shape (n,), and the estimate, shape (), in nats.

    Gradients: an unbiased estimate of those of the truncated series, see `roulette_log_det`.
    Accuracy: tests/numerics/test_log_det.py::test_series_is_within_its_bound.
    Reference: Behrmann et al. 2019, i-ResNet, arXiv:1811.00995, eq. 4 and algorithm 2.
    """
    return _estimate(g, x, key, jnp.asarray(terms), lambda order: jnp.ones((), x.dtype))


def roulette_log_det(
    g: Function, x: Array, key: PRNGKeyArray, *, terms: int = 2, rate: float = 0.5
) -> tuple[Array, Array]:
    """Return g(x) and an unbiased estimate of log|det(I + J)|: the series, ended at random ("Russian roulette").

    The first terms + 1 terms are always there; with a probability of `rate` each term is the last. Term k is divided
    by the probability P(N >= k) = (1 - rate)^max(k - 1 - terms, 0) that it is there, so that the expectation is the
    whole series. The variance is finite if |J|^2 < 1 - rate at every x, which with the default is |J| < 0.71; a
    contraction's bound is larger, but the norms of trained layers' Jacobians are mostly far below their bound.

    The gradient is the memory-saving one. Term by term d tr(J^k) / k = tr(J^(k - 1) dJ) = E v^T dJ J^(k - 1) v, so with
    w = sum_k (-1)^(k + 1) J^(k - 1) v / P(N >= k), taken as a constant, the gradient of v^T J w is an unbiased
    estimate of that of the log-determinant. It needs one pass through g, whatever the number of terms.

    Args:
        g: maps shape (n,) to (n,); a contraction.
        x: shape (n,).
        key: draws the number of terms and the signs v.
        terms: terms that are always there, but for one more.
        rate: probability with which the series ends at each further term, between 0 and 1.

    Returns:
        g(x), shape (n,), and the estimate, shape (), in nats.

    Gradients: unbiased, with respect to x and what g closes over, but not those of the estimate itself: first
        derivatives only.
    Accuracy: tests/numerics/test_log_det.py::test_roulette_is_unbiased.
    Reference: Chen et al. 2019, Residual Flows, arXiv:1906.02735, eq. 6 (the estimator), eq. 8 (its gradient; here
        with the trace's factors in the other order, which needs no transposed products) and section 3.1.
    """
    number, signs = jr.split(key)
    count = terms + jr.geometric(number, rate)  # 1, 2, ... further terms
    return _estimate(
        g, x, signs, count, lambda order: (1 - rate) ** jnp.maximum(order - 1 - terms, 0).astype(x.dtype)
    )


def truncation_bound(features: int, lipschitz: float, terms: int) -> float:
    """Return what the rest of the series behind its first `terms` terms is at most, in nats.

    |tr(J^k)| <= n c^k, so the rest is at most n sum_(k > terms) c^k / k = n (-log(1 - c) - sum_(k <= terms) c^k / k).

    Args:
        features: n, the size of an event.
        lipschitz: c, a bound of |J|, at least 0 and below 1.
        terms: how many terms are summed.

    Reference: Behrmann et al. 2019, i-ResNet, arXiv:1811.00995, theorem 3.
    """
    # The difference would lose its digits for many terms: summed from there on, until nothing changes.
    total, order = 0.0, terms + 1
    while (term := lipschitz**order / order) > 1e-17 * total:
        total, order = total + term, order + 1
    return features * total


def _estimate(
    g: Function, x: Array, key: PRNGKeyArray, count: Array, probability: Callable[[Array], Array]
) -> tuple[Array, Array]:
    """Sum `count` terms of the series, each divided by its probability, with the gradient of `roulette_log_det`."""
    probe = jr.rademacher(key, x.shape, x.dtype)
    # The series is a constant for differentiation: neither x nor what g closes over may carry derivatives into it.
    pure, constants = jax.closure_convert(g, x)
    held = [jax.lax.stop_gradient(constant) for constant in constants]
    _, push = jax.linearize(lambda point: pure(point, *held), jax.lax.stop_gradient(x))

    def add(order: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        power, total, weights = state  # power is J^(order - 1) v
        factor = jnp.where(order % 2 == 1, 1, -1) / probability(order)
        weights = weights + factor * power
        power = push(power)
        return power, total + factor / order.astype(x.dtype) * jnp.sum(probe * power), weights

    start = (probe, jnp.zeros((), x.dtype), jnp.zeros_like(x))
    _, estimate, weights = jax.lax.fori_loop(1, count + 1, add, start)
    value, along = jax.jvp(g, (x,), (weights,))
    surrogate = jnp.sum(probe * along)
    # Worth the estimate, with the surrogate's derivatives.
    return value, estimate + (surrogate - jax.lax.stop_gradient(surrogate))
