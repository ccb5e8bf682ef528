import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from pushforward.bijectors import LU


def test_it_is_the_product_of_its_triangles(randomised):
    """What lies in the unused triangles must not count."""
    lu = randomised(lambda: LU(4), scale=1.0)
    lower = np.tril(lu.lower, -1) + np.eye(4)
    upper = np.triu(lu.upper, 1) + np.diag(np.exp(lu.log_diagonal))
    x = np.array([0.3, -1.0, 2.0, 0.1], np.float32)
    y, log_det = lu.forward_and_log_det(x)
    np.testing.assert_allclose(y, lower @ upper @ x + lu.shift, rtol=1e-5)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(lower @ upper)[1], rtol=1e-5)
    back, log_det = lu.inverse_and_log_det(y)
    np.testing.assert_allclose(back, np.linalg.solve(lower @ upper, y - lu.shift), rtol=1e-4)
    np.testing.assert_allclose(log_det, -np.linalg.slogdet(lower @ upper)[1], rtol=1e-5)


def test_without_a_key_it_starts_as_the_identity():
    x = jnp.array([1.0, -2.0, 3.0])
    np.testing.assert_array_equal(LU(3).forward(x), x)


def test_a_key_draws_small_triangles():
    lu = LU(50, key=jr.key(0))
    assert 0 < np.abs(lu.lower).max() <= 0.1 / 50**0.5
    np.testing.assert_array_equal(lu.lower, np.tril(lu.lower, -1))
    np.testing.assert_array_equal(lu.upper, np.triu(lu.upper, 1))
    assert np.abs(lu.upper).max() > 0
    assert np.linalg.cond(jax.jacfwd(lu.forward)(jnp.zeros(50))) < 2


def test_all_arrays_are_buffers_of_their_own():
    """A buffer that stands twice in a tree cannot be donated."""
    lu = LU(3)
    assert lu.lower.unsafe_buffer_pointer() != lu.upper.unsafe_buffer_pointer()
