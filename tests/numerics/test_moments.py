import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.numerics.moments import moments

RANDOM = np.random.default_rng(0)


def chunked(rows, chunks, padding=0.0):
    """Rows in chunks of equal size, filled up with `padding`, and their weights."""
    size = -(-len(rows) // chunks)
    full = np.full((chunks * size, *rows.shape[1:]), padding, rows.dtype)
    full[: len(rows)] = rows
    weights = (np.arange(chunks * size) < len(rows)).astype(rows.dtype)
    return jnp.asarray(full.reshape(chunks, size, *rows.shape[1:])), jnp.asarray(
        weights.reshape(chunks, size)
    )


@pytest.mark.parametrize("shape", [(), (3,), (4, 2), (2, 3, 2)])
@pytest.mark.parametrize("chunks", [1, 3])
def test_every_channel_over_rows_and_positions(shape, chunks):
    rows = RANDOM.normal(size=(20, *shape)).astype(np.float32)
    axes = (0, *range(1, len(shape)))
    mean, variance = moments(*chunked(rows, chunks, padding=9.0))
    np.testing.assert_allclose(mean, rows.mean(axes), atol=1e-6)
    np.testing.assert_allclose(variance, rows.var(axes), rtol=1e-5)


def test_against_float64():
    """300,000 rows, whose sum float32 could not take one by one, far from zero and of very different scales."""
    far = RANDOM.normal(size=(300_000, 6)) * [1, 1, 1e-3, 1e3, 1e8, 1] + [0, 1000, 1, 0, 0, -30]
    rows = far.astype(np.float32)
    mean, variance = jax.jit(moments)(*chunked(rows, 293))
    exact = rows.astype(np.float64)
    slack = 4e-7 * (np.abs(exact.mean(0)) + exact.std(0))
    assert (np.abs(mean - exact.mean(0)) <= slack).all()
    np.testing.assert_allclose(variance, exact.var(0), rtol=4e-6)


def test_a_constant_has_variance_zero_and_chunks_of_padding_do_not_count():
    rows = np.full((5, 2), 0.1, np.float32)
    mean, variance = moments(*(jnp.concatenate([a, 0 * a]) for a in chunked(rows, 2, padding=7.0)))
    np.testing.assert_array_equal(mean, rows[0])
    np.testing.assert_allclose(variance, 0, atol=1e-16)
