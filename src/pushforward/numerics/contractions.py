"""Roots of x + g(x) = y, where g is a contraction: fixed points with a certificate."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

_MEMORY = 4
"""Differences of earlier points that a step of the acceleration uses."""


class _State(NamedTuple):
    """A search under way. Everything is in units of the target's size.

    Attributes:
        x: the best point so far.
        step: y - g(x) - x, the step that the plain iteration would take; zero at the root.
        moves: differences of points, shape (memory, n).
        changes: what they changed in `step`, shape (memory, n).
        plain: whether the next step is a plain one.
        stalled: whether a plain step did not come closer: what is left is rounding.
        broken: whether two points showed that g is no contraction by its constant.
        turn: how many steps were taken.
    """

    x: Array
    step: Array
    moves: Array
    changes: Array
    plain: Array
    stalled: Array
    broken: Array
    turn: Array


def solve_contraction(g: Callable[[Array], Array], y: Array, lipschitz: float) -> Array:
    """Return x with x + g(x) = y, or NaN where the certificate fails.

    Banach's iteration x <- y - g(x) comes closer by the factor c = lipschitz at every step. Between its steps
    Anderson's acceleration is tried, and kept if it did at least as well as a plain step must; otherwise the next step
    is a plain one. So there are at most two evaluations for every factor of c, and often a few in all.

    The certificate holds for any point, however it was found: as (1 - c) |x - x*| <= |x + g(x) - y|, the returned
    point x_(k+1) = y - g(x_k) is within c / (1 - c) |x_(k+1) - x_k| of the root. The search ends when
    |x_(k+1) - x_k| is below the rounding errors of x and y, or no longer falls because those of g are larger.

    Args:
        g: maps shape (n,) to (n,).
        y: the target, shape (n,).
        lipschitz: c, below 1, the constant of g in the Euclidean norm.

    Returns:
        x, shape (n,). All NaN if the certified error is above sqrt(eps) (1 + max|y| + |x|), or if two points showed
        |g(x) - g(x')| > c |x - x'|; and where y or g is NaN.

    Gradients: none; see `inverse_of_contraction`.
    Accuracy: tests/numerics/test_contractions.py::test_root_is_found_to_rounding.
    Reference: Behrmann et al. 2019, i-ResNet, arXiv:1811.00995, algorithm 1 and the bound in section 2.1 (Banach);
        Walker and Ni 2011, Anderson acceleration for fixed-point iterations, doi:10.1137/10078356X, section 2.
    """
    eps = float(jnp.finfo(y.dtype).eps)
    # The norms of numbers near the largest float would overflow.
    unit = jnp.maximum(jnp.max(jnp.abs(y), initial=0), 1)
    target = y / unit

    def stepped(x: Array) -> Array:
        return target - g(x * unit) / unit - x

    def search(state: _State) -> _State:
        return _turn(stepped, state, lipschitz, eps)

    def under_way(state: _State) -> Array:
        rounding = eps * (_norm(state.x) + _norm(target))
        return (
            (_norm(state.step) > rounding)
            & ~state.stalled
            & ~state.broken
            & (state.turn < most_turns(lipschitz, eps))
        )

    past = jnp.zeros((min(_MEMORY, y.size), y.size), y.dtype)
    no = jnp.zeros((), bool)
    start = _State(target, stepped(target), past, past, ~no, no, no, jnp.zeros((), int))
    end = jax.lax.while_loop(under_way, search, start)
    error = lipschitz / (1 - lipschitz) * _norm(end.step)
    certified = (error <= math.sqrt(eps) * (1 + _norm(end.x))) & ~end.broken
    return jnp.where(certified, (end.x + end.step) * unit, jnp.nan)


def most_turns(lipschitz: float, eps: float) -> int:
    """Return how many evaluations bring any first error below rounding: two for each factor of `lipschitz`."""
    # c^n <= eps, from a first step of at most c |x| + |g(0)|; the rest is for a large g(0).
    return 2 * math.ceil(math.log(eps) / math.log(lipschitz)) + 20


def _turn(stepped: Callable[[Array], Array], state: _State, lipschitz: float, eps: float) -> _State:
    accelerated = state.x + state.step - _correction(state)
    x = jnp.where(state.plain, state.x + state.step, accelerated)
    step = stepped(x)
    move, change = x - state.x, step - state.step
    before, after = _norm(state.step), _norm(step)
    # step = target - g - x, so -(move + change) is what g changed by. A bound that two points break by more than
    # rounding is no bound, and nothing that rests on it holds.
    slack = math.sqrt(eps) * (1 + _norm(x))
    broken = _norm(move + change) > lipschitz * _norm(move) + slack
    # NaN fails every comparison: it is never kept, and stalls the search.
    kept = after <= jnp.where(state.plain, 1, lipschitz) * before
    stalled = state.plain & ~(after < before)
    return _State(
        jnp.where(kept, x, state.x),
        jnp.where(kept, step, state.step),
        jnp.concatenate([move[None], state.moves[:-1]]),
        jnp.concatenate([change[None], state.changes[:-1]]),
        ~kept,
        stalled,
        broken,
        state.turn + 1,
    )


def _correction(state: _State) -> Array:
    """Return what the acceleration takes off a plain step.

    In the span of the earlier changes the step is made as small as possible: with coefficients a that minimise
    |step - a . changes|, the correction is a . (moves + changes). They come from Gram and Schmidt's orthogonal
    vectors, each taking its combination of moves along; a vector of which less than sqrt(eps) is left says nothing
    new and is left out.
    """
    least = jnp.finfo(state.step.dtype).eps
    rest, correction = state.step, jnp.zeros_like(state.step)
    directions: list[tuple[Array, Array, Array]] = []
    for change, move in zip(state.changes, state.moves, strict=True):
        size, along = _dot(change, change), move + change
        for other, taken, inverse in directions:
            share = _dot(other, change) * inverse
            change, along = change - share * other, along - share * taken
        left = _dot(change, change)
        new = left > least * size
        inverse = jnp.where(new, 1 / jnp.where(new, left, 1), 0)  # left is positive where it is new
        directions.append((change, along, inverse))
        share = _dot(change, rest) * inverse
        rest, correction = rest - share * change, correction + share * along
    return correction


def _dot(a: Array, b: Array) -> Array:
    return jnp.sum(a * b)


def _norm(x: Array) -> Array:
    return jnp.sqrt(jnp.sum(x * x))


def inverse_of_contraction(g: Callable[[Array], Array], y: Array, lipschitz: float) -> Array:
    """Return x with x + g(x) = y as `solve_contraction` finds it, with the gradients of the inverse function.

    By the implicit function theorem (I + J) dx = dy - (dg)(x), with J the Jacobian of g at x. These linear equations,
    and the transposed ones in reverse mode, are of the same kind, as J and its transpose are contractions by the same
    constant: they are solved by the same search, with the same certificate. No step of the search is differentiated or
    kept in memory.

    Args:
        g: a differentiable function of shape (n,) to (n,); it may close over arrays, which then get gradients.
        y: the target, shape (n,).
        lipschitz: the constant of g in the Euclidean norm, below 1.

    Returns:
        x, shape (n,); NaN where `solve_contraction` gives NaN.

    Gradients: of any order, in both modes, with respect to y and to what g closes over; NaN where a certificate fails.
    Accuracy: tests/numerics/test_contractions.py::test_gradients_are_those_of_the_inverse.
    Reference: Bai et al. 2019, Deep Equilibrium Models, arXiv:1909.01377, theorem 1.
    """

    def linear(product: Callable[[Array], Array], target: Array) -> Array:
        # Targets of any size: the equation is linear, so that it may be solved for one of size 1.
        size = jnp.max(jnp.abs(target), initial=0)
        size = jnp.where(size > 0, size, 1)
        return size * solve_contraction(lambda v: product(v) - v, target / size, lipschitz)

    def tangent_solve(product: Callable[[Array], Array], target: Array) -> Array:
        return jax.lax.custom_linear_solve(product, target, linear, linear)

    return jax.lax.custom_root(
        lambda x: x + g(x) - y,
        jax.lax.stop_gradient(y),
        lambda f, target: solve_contraction(g, target, lipschitz),
        tangent_solve,
    )
