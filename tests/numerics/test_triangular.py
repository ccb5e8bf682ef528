import jax
import jax.numpy as jnp
import numpy as np

from pushforward.numerics.triangular import inverse_unit_lower, pack_factor, unit_lower


def test_unit_lower_by_rows():
    matrix = unit_lower(jnp.array([1.0, 2.0, 3.0]), 3)
    np.testing.assert_array_equal(matrix, [[1, 0, 0], [1, 1, 0], [2, 3, 1]])


def test_pack_factor_undoes_the_product():
    rng = np.random.default_rng(0)
    covariance = rng.normal(size=(2, 4, 4)) @ np.diag([1.0, 10.0, 1e-3, 5.0])
    factor = np.linalg.cholesky(covariance @ covariance.swapaxes(1, 2))
    log_scale, packed = pack_factor(jnp.float32(factor))
    assert log_scale.shape == (2, 4)
    assert packed.shape == (2, 6)
    again = np.exp(log_scale)[..., None] * unit_lower(packed, 4)
    np.testing.assert_allclose(again, factor, rtol=1e-5, atol=1e-7)


def test_inverse_unit_lower_in_a_batch_and_in_one_dimension():
    packed = np.random.default_rng(0).normal(size=(3, 10)).astype(np.float32)
    product = np.matmul(
        *jax.jit(lambda packed: (unit_lower(packed, 5), inverse_unit_lower(packed, 5)))(packed)
    )
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(5), (3, 5, 5)), atol=2e-5)
    np.testing.assert_array_equal(inverse_unit_lower(jnp.zeros(0), 1), [[1.0]])
