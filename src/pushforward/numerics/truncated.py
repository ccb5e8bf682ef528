"""Normal laws cut off at both sides, sampled by their distribution function and kept exact in the tails."""

import jax.numpy as jnp
from jax.scipy.special import ndtr, ndtri
from jaxtyping import Array

from .densities import normal

END = 10.0
"""What stands for infinity among the ends: beyond it a normal law has 8e-24 of its mass."""

_NARROW = 0.05


def truncated_normal(u: Array, lower: Array, upper: Array) -> tuple[Array, Array]:
    """Send u in (0, 1) to the standard normal law between two ends, and return its log-density there.

    An interval narrower than 0.05, over which the normal density is almost flat, gets the uniform law instead, whose
    density needs no difference of two probabilities; an interval without width is a point, of log-density 0.

    Args:
        u: any shape.
        lower: of u's shape, at least -END.
        upper: of u's shape, at least `lower` and at most END.

    Returns:
        z between the ends, increasing with u, and its log-density in nats, both of u's shape.

    Gradients: none are needed, for z depends on no parameter; those with respect to u are finite inside of (0, 1).
    Accuracy: tests/numerics/test_truncated.py::test_matches_scipy.
    Reference: Devroye 1986, Non-uniform random variate generation, section II.2.1: inversion.
    """
    # On the side of the lower tail probabilities are small numbers with all their digits; on the other, near 1, not.
    mirrored = lower + upper > 0
    low, high = jnp.where(mirrored, -upper, lower), jnp.where(mirrored, -lower, upper)
    share = jnp.where(mirrored, 1 - u, u)
    width = high - low
    narrow = width < _NARROW
    flat = low + share * width
    # Where the interval is narrow, a wide one stands in, so that nothing is divided by a difference that cancels.
    start, end = ndtr(jnp.where(narrow, -1.0, low)), ndtr(jnp.where(narrow, 1.0, high))
    curved = jnp.clip(ndtri(jnp.clip(start + share * (end - start), jnp.finfo(u.dtype).tiny)), low, high)
    z = jnp.where(narrow, flat, curved)
    # The argument of the first logarithm is positive: a point has density 1 with respect to itself.
    log_flat = -jnp.log(jnp.where(narrow & (width > 0), width, 1.0))
    log_q = jnp.where(narrow, log_flat, normal(z) - jnp.log(end - start))
    return jnp.where(mirrored, -z, z), log_q
