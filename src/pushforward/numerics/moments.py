"""Mean and variance of many rows in single precision."""

import math

import jax.numpy as jnp
from jaxtyping import Array


def moments(chunks: Array, weights: Array) -> tuple[Array, Array]:
    """Mean and variance (divided by the number of rows) of every channel, the last axis of an event.

    Each chunk is centred before it is squared, and chunks are joined by their means and sums of squares, so that
    neither a mean far from zero nor a number of rows that float32 could not count to by ones costs digits.

    Args:
        chunks: rows, shape (chunks, rows per chunk, *event_shape). Events of shape () have one nameless channel.
        weights: 1 for a row, 0 for padding, shape (chunks, rows per chunk); not all 0.

    Returns:
        Mean and variance, both of shape event_shape[-1:].

    Accuracy: float32 against float64, mean within 4e-7 (|mean| + deviation), variance within a factor of 1 +- 4e-6,
        for means up to 1000 deviations from zero (tests/numerics/test_moments.py::test_against_float64).

    Reference: Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance, The American Statistician
        37(3): the corrected two-pass algorithm within a chunk, the pairwise one between chunks.
    """
    inner = tuple(range(1, max(chunks.ndim - 1, 2)))
    spread = weights.reshape(*weights.shape, *(1,) * (chunks.ndim - 2)).astype(chunks.dtype)
    counts = jnp.sum(weights, axis=1).astype(chunks.dtype) * math.prod(chunks.shape[2:-1])
    counts = counts.reshape(-1, *(1,) * len(chunks.shape[2:][-1:]))
    # A chunk of padding alone counts 0 rows and has the mean 0: the divisor 1 keeps 0 / 0 out.
    divisors = jnp.maximum(counts, 1)
    centres = jnp.sum(spread * chunks, axis=inner, keepdims=True) / _like(divisors, chunks.ndim)
    apart = spread * (chunks - centres)
    # The first centres are off by rounding; what the rows still have as a mean puts them right.
    rest = jnp.sum(apart, axis=inner) / divisors
    squares = jnp.sum(apart**2, axis=inner) - counts * rest**2
    means = centres.reshape(rest.shape) + rest
    total = jnp.sum(counts)
    mean = means[0] + jnp.sum(counts * (means - means[0]), axis=0) / total
    return mean, jnp.sum(squares + counts * (means - mean) ** 2, axis=0) / total


def _like(per_chunk: Array, rank: int) -> Array:
    """Return a number per chunk with as many axes as the rows have."""
    return per_chunk.reshape(-1, *(1,) * (rank - 1))
