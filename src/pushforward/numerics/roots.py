"""Roots of increasing functions of one number, many at once, with implicit derivatives and no silent failure."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PyTree

from .convergence import unless_failed

_PATIENCE = 16
"""Turns after which every other turn halves the bracket in the order of floats, whatever Newton proposes."""

_MESSAGE = (
    "increasing_root: expected an increasing function that reaches its target, got one that does not "
    "within the range of {dtype}, or is NaN on the way."
)


def increasing_root(
    function: Callable[[Any, Array], Any],
    target: ArrayLike,
    params: PyTree,
    *,
    start: ArrayLike = 0.0,
    reach: ArrayLike = 1.0,
    unit: float = 0.0,
    with_slope: bool = False,
) -> Array:
    """Solve function(params, x) = target for x, elementwise, where function increases in x.

    From `start` Newton's steps, and at most `reach`, grow ever faster until the root lies between two numbers. Then
    Newton's steps that stay between them and shrink by half, and halvings. After 16 turns every other turn halves the
    number of floats that are left, so that 120 turns in float32, and 236 in float64, are always enough.

    Args:
        function: (params, x) -> y for an x of the target's shape; element i of y depends on element i of x alone, and
            is continuous and increasing in it.
        target: the values to reach, any shape.
        params: arrays that the function uses, any PyTree. Numbers that the function closes over work too.
        start: where to start; broadcasts with the target.
        reach: the length of the first step beyond which nothing is known; positive, broadcasts with the target.
        unit: the size of the numbers that function adds up. A value that misses the target by less than the
            rounding of such a number is taken. With 0 the search goes on to neighbouring floats.
        with_slope: function returns (y, dy/dx), where it has the slope for less than JAX would take to find it.

    Returns:
        x, of the target's shape: a float next to the root, as far as the rounding of function lets one see it. At an
        infinite target x is infinite with its sign. NaN in the target or in function(params, start) stays NaN.

    Raises:
        NotConverged: if the function does not reach the target within the range of floats, or is NaN on the way. In
            compiled code as `convergence.unless_failed` says.

    Gradients: implicit, dx = (d target - df/dparams dparams) / (df/dx), forward and reverse, of any order. Zero at an
        infinite target; infinite where df/dx = 0.
    Accuracy: tests/numerics/test_roots.py::test_matches_brentq.
    Reference: the safeguard as in Press et al., Numerical Recipes, section 9.4 (rtsafe), with a bracket that grows.
    """
    target = jnp.asarray(target)
    target = target if jnp.issubdtype(target.dtype, jnp.floating) else target.astype(float)
    start, reach = (jnp.broadcast_to(jnp.asarray(a, target.dtype), target.shape) for a in (start, reach))
    converted, hoisted = jax.closure_convert(function, params, start)

    def closed(both: tuple, x: Array) -> tuple[Array, Array]:
        if with_slope:
            return converted(both[0], x, *both[1])
        return jax.jvp(lambda x: converted(both[0], x, *both[1]), (x,), (jnp.ones_like(x),))

    return _root(closed, unit, target, (params, hoisted), jax.lax.stop_gradient((start, reach)))


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _root(
    function: Callable, unit: float, target: Array, params: PyTree, hints: tuple[Array, Array]
) -> Array:
    x, failed = _search(functools.partial(function, params), unit, target, *hints)
    return unless_failed(x, failed, _MESSAGE.format(dtype=target.dtype))


@_root.defjvp
def _implicit(function: Callable, unit: float, primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    target, params, hints = primals
    d_target, d_params, _ = tangents
    x = _root(function, unit, target, params, hints)
    finite = jnp.isfinite(target)
    inside = jnp.where(finite, x, 0.0)
    slope = function(params, inside)[1]
    _, d_value = jax.jvp(lambda params: function(params, inside)[0], (params,), (d_params,))
    # function(params, x) = target: df/dx dx + df/dparams dparams = d target, and df/dx > 0 as it increases.
    return x, jnp.where(finite, (d_target - d_value) / jnp.where(finite, slope, 1.0), 0.0)


class _State(NamedTuple):
    """The search of every element.

    Attributes:
        turn: how many turns were taken.
        x: where the function is evaluated next; the root once done.
        low: the largest number known to lie below the root; -inf if there is none.
        high: the smallest number known to lie above it; inf if there is none.
        best: the evaluated number with the least miss.
        miss: |function - target| there.
        moved: the length of the last step.
        reach: how long a step into the unknown may be.
        grown: how often the reach has grown.
        done: whether the search is over.
        failed: whether it ended without a root.
    """

    turn: Array
    x: Array
    low: Array
    high: Array
    best: Array
    miss: Array
    moved: Array
    reach: Array
    grown: Array
    done: Array
    failed: Array


def _search(of: Callable, unit: float, target: Array, start: Array, reach: Array) -> tuple[Array, Array]:
    """Return the roots, and where there is none; `of` gives the function's value and slope."""
    limits = jnp.finfo(target.dtype)
    # Growing by 2^n the n-th time passes the largest float, 2^maxexp, after n with n^2 / 2 > maxexp, from a reach of 1;
    # 4 more serve smaller ones. Halving the floats between two of them takes as many turns as a float has bits.
    turns = _PATIENCE + 2 * (int((2 * limits.maxexp) ** 0.5) + 4 + limits.bits)
    full = functools.partial(jnp.full_like, target)
    infinite = jnp.isinf(target)
    state = _State(
        turn=jnp.zeros((), int),
        x=jnp.where(infinite, target, start),
        low=full(-jnp.inf),
        high=full(jnp.inf),
        best=start,
        miss=full(jnp.inf),
        moved=full(jnp.inf),
        reach=reach,
        grown=full(1.0),
        done=infinite,
        failed=jnp.zeros_like(infinite),
    )
    state = jax.lax.while_loop(
        lambda state: (state.turn < turns) & ~jnp.all(state.done),
        functools.partial(_turn, of, unit, target),
        state,
    )
    return state.x, state.failed | ~state.done


def _turn(of: Callable, unit: float, target: Array, state: _State) -> _State:
    """Evaluate the function once at every element, and choose where to look next."""
    limits = jnp.finfo(target.dtype)
    x = state.x
    value, slope = of(jnp.where(state.done, state.best, x))
    miss = value - target
    low, high = jnp.where(miss < 0, x, state.low), jnp.where(miss > 0, x, state.high)
    better = jnp.abs(miss) <= state.miss  # of equals the last one, which is an end of the bracket
    best, least = jnp.where(better, x, state.best), jnp.where(better, jnp.abs(miss), state.miss)
    steep = (slope > 0) & jnp.isfinite(slope) & jnp.isfinite(miss)
    newton = x - miss / jnp.where(steep, slope, 1.0)
    steep &= (newton > low) & (newton < high)

    # Found: hit to rounding, or Newton stays where it is, or the root is between neighbours.
    hit = jnp.abs(miss) <= limits.eps * jnp.maximum(unit, jnp.abs(target))
    hit |= (steep & (newton == x)) | (miss == 0)
    last = jnp.where(steep, newton, x)
    closed = jnp.isfinite(low) & jnp.isfinite(high) & (jnp.nextafter(low, high) >= high)
    closed |= high - low <= 4 * limits.tiny  # smaller floats may be flushed to zero, so they have no order
    # Lost: NaN, or nothing further out to look at. NaN at the start is the caller's, and comes out.
    undefined = jnp.isnan(miss)
    lost = (undefined & (state.turn > 0)) | ((low >= limits.max) | (high <= -limits.max)) & ~hit
    result = jnp.where(hit, last, jnp.where(closed, best, jnp.nan))
    over = hit | closed | lost | undefined

    proposal, moved, reach, grown = _next(state, newton, steep, low, high)
    following = _State(
        turn=state.turn,
        x=jnp.where(over, result, proposal),
        low=low,
        high=high,
        best=best,
        miss=least,
        moved=moved,
        reach=reach,
        grown=grown,
        done=over,
        failed=lost,
    )
    kept = jax.tree.map(lambda old, new: jnp.where(state.done, old, new), state, following)
    return kept._replace(turn=state.turn + 1)


def _next(
    state: _State, newton: Array, steep: Array, low: Array, high: Array
) -> tuple[Array, Array, Array, Array]:
    """Return the next x, the length of the step to it, and the reach with the number of its growths."""
    x, largest = state.x, jnp.finfo(state.x.dtype).max
    enclosed = jnp.isfinite(low) & jnp.isfinite(high)
    patient = (state.turn < _PATIENCE) | (state.turn % 2 == 0)
    step = jnp.abs(newton - x)
    good = steep & patient & (step <= jnp.where(enclosed, 0.5 * state.moved, state.reach))
    # Half of each first: the sum may overflow.
    middle = jnp.where(patient, 0.5 * low + 0.5 * high, _middle_float(low, high))
    out = jnp.clip(jnp.where(jnp.isfinite(low), x + state.reach, x - state.reach), -largest, largest)
    proposal = jnp.where(good, newton, jnp.where(enclosed, middle, out))
    grows = ~good & ~enclosed
    reach = jnp.where(grows, jnp.minimum(state.reach * jnp.exp2(state.grown), largest), state.reach)
    return proposal, jnp.abs(proposal - x), reach, state.grown + grows.astype(x.dtype)


def _middle_float(low: Array, high: Array) -> Array:
    """Return the float with as many floats between it and `low` as between it and `high`."""
    kind = {16: jnp.int16, 32: jnp.int32, 64: jnp.int64}[jnp.finfo(low.dtype).bits]
    least = jnp.iinfo(kind).min

    def turned(bits: Array) -> Array:
        # A float's bits, read as a whole number, grow with a positive float and fall with a negative one.
        return jnp.where(bits < 0, least - bits, bits)

    a, b = (turned(jax.lax.bitcast_convert_type(end, kind)) for end in (low, high))
    # Half of each, and the bit that both lose: the sum may overflow.
    return jax.lax.bitcast_convert_type(turned((a >> 1) + (b >> 1) + (a & b & 1)), low.dtype)
