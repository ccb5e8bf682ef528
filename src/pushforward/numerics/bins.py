"""Bins of an interval: their ends from unconstrained sizes, and the one that holds a number."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

MIN_BIN = 1e-3
"""Smallest size of a bin, as a share of the interval."""


def ends(raw: Array, low: float, high: float) -> Array:
    """Return the ends of bins with positive sizes, from low to high.

    The last end is set, not summed, so that the bins fill the interval to the bit.

    Args:
        raw: unconstrained sizes, shape (bins, ...). The sizes are a softmax of them, each at least `MIN_BIN` of the
            interval; equal at zero.
        low: where the first bin begins.
        high: where the last bin ends.

    Returns:
        Increasing numbers, shape (bins + 1, ...).

    Gradients: finite for every finite raw size.
    """
    sizes = (high - low) * (MIN_BIN + (1 - MIN_BIN * raw.shape[0]) * jax.nn.softmax(raw, axis=0))
    found = [jnp.full_like(sizes[0], low)]
    for size in sizes[:-1]:  # written out: on the CPU a cumulative sum compiles to slower code
        found.append(found[-1] + size)
    return jnp.stack([*found, jnp.full_like(sizes[0], high)])


def pick(value: Array, starts: Array, *columns: Array) -> tuple[Array, ...]:
    """Return what each column holds for the bin of a number.

    The bin is found by comparing with every inner end and picked by masked sums, which compile to straight
    vector code; a gather does not.

    Args:
        value: numbers of any shape. Those below or above all bins belong to the first or the last.
        starts: the bins' ends, increasing, shape (bins + 1, *value.shape).
        columns: one number a bin, shapes (bins, *value.shape).

    Returns:
        As many arrays of the shape of `value`.
    """
    above = value >= starts[1:-1]
    yes = jnp.ones_like(above, shape=(1, *above.shape[1:]))
    here = jnp.concatenate([yes, above]) & ~jnp.concatenate([above, ~yes])
    return tuple(jnp.sum(jnp.where(here, column, 0.0), axis=0) for column in columns)


def within(value: Array, low: float, high: float) -> Array:
    """Return a number, which rounding may have pushed out of [low, high] by a few ulp, held there.

    The gradient is that of the number: `jnp.clip` would halve it at both ends, so for every x that lies at the end of
    a bin.
    """
    return value + jax.lax.stop_gradient(jnp.clip(value, low, high) - value)


def unit(t: Array) -> Array:
    """Return t held in [0, 1], as `within` does."""
    return within(t, 0.0, 1.0)
