import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.distributions.parameters import (
    check_below,
    check_finite,
    check_positive,
    cholesky,
    event_parameters,
    location_scale,
    same_dtype,
    square_root,
)
from pushforward.errors import ConfigError


def test_same_dtype_follows_the_arrays():
    assert [array.dtype for array in same_dtype(1, 2.0)] == [jnp.float32, jnp.float32]
    assert not any(array.weak_type for array in same_dtype(1, 2.0))
    with jax.enable_x64(True):
        assert [array.dtype for array in same_dtype(np.float32([1.0]), 2.0)] == [jnp.float32, jnp.float32]
        assert [array.dtype for array in same_dtype(np.zeros(1), np.float32([2.0]))] == [
            jnp.float64,
            jnp.float64,
        ]


def test_event_parameters_broadcast():
    first, second = event_parameters("Law", first=[1, 2], second=3.0)
    np.testing.assert_array_equal(first, [1.0, 2.0])
    np.testing.assert_array_equal(second, [3.0, 3.0])


def test_location_scale_gives_the_logarithm():
    loc, log_scale = location_scale("Law", 1.0, [1.0, np.e])
    np.testing.assert_array_equal(loc, [1.0, 1.0])
    np.testing.assert_allclose(log_scale, [0.0, 1.0], atol=1e-7)


def test_square_root_of_what_float32_cannot_hold():
    np.testing.assert_allclose(square_root(np.array([1e-60, 4.0])), [1e-30, 2.0], rtol=1e-6)


def test_cholesky_inside_a_transformation():
    matrix = jnp.array([[4.0, 2.0], [2.0, 3.0]])
    factor = jax.jit(lambda matrix: cholesky("Law", matrix))(matrix)
    np.testing.assert_allclose(factor, cholesky("Law", matrix), rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: check_finite("Law", "loc", np.array([[0.0, np.inf], [np.nan, 1.0]])),
            "Law: expected finite loc, got 2 of 4 values that are not (first at index (0, 1): inf).",
        ),
        (
            lambda: check_positive("Law", "df", np.array([1.0, np.nan])),
            "Law: expected df > 0, got 1 of 2 values that are not (first at index (1,): nan).",
        ),
        (
            lambda: check_below("Law", jnp.array([0.0, 2.0]), jnp.array([1.0, 2.0])),
            "Law: expected low < high, got 1 of 2 pairs that are not (first at index (1,): low = 2, high "
            "= 2).",
        ),
        (
            lambda: cholesky("Law", np.array([[1.0, 0.5], [0.25, 1.0]])),
            "Law: expected a symmetric covariance, got entries that differ from their mirror image by up "
            "to 0.25.",
        ),
        (
            lambda: cholesky("Law", np.array([[1.0, np.nan], [0.25, 1.0]])),
            "Law: expected finite covariance, got 1 of 4 values that are not (first at index (0, 1): nan).",
        ),
        (
            lambda: cholesky("Law", np.array([[1.0, 2.0], [2.0, 1.0]])),
            "Law: expected a positive definite covariance, got one with the eigenvalue -1. "
            "Add a small multiple of the identity to it.",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ConfigError) as caught:
        call()
    assert str(caught.value) == message
