import re

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import QR, Orthogonal
from pushforward.errors import ConfigError


def matrix_of(layer, direction="forward"):
    function = jax.jit(jax.vmap(getattr(layer, direction), out_axes=1))
    size = layer.in_shape[0]
    zero = getattr(layer, direction)(jnp.zeros(size))
    return np.asarray(function(jnp.eye(size)) - zero[:, None])


@pytest.mark.parametrize("method", ["householder", "cayley", "exp"])
def test_a_key_draws_an_orthogonal_matrix_far_from_the_identity(method):
    layer = Orthogonal(5, method=method, key=jr.key(0))
    matrix = matrix_of(layer)
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(5), atol=2e-6)
    np.testing.assert_allclose(matrix_of(layer, "inverse"), matrix.T, atol=2e-6)
    np.testing.assert_allclose(np.linalg.det(matrix), 1, atol=1e-5)  # 4 reflections, or a rotation
    assert np.abs(matrix - np.eye(5)).max() > 0.5


def test_an_odd_number_of_reflections_leaves_one():
    np.testing.assert_allclose(np.linalg.det(matrix_of(Orthogonal(4, reflections=3))), -1, atol=1e-6)
    np.testing.assert_array_equal(matrix_of(Orthogonal(1)), [[1.0]])


def test_qr_multiplies_the_triangle_first(randomised):
    layer = randomised(lambda: QR(4, method="exp"))
    upper = np.triu(layer.upper, 1) + np.diag(np.exp(layer.log_diagonal))
    rotation = np.linalg.solve(upper.T, matrix_of(layer).T).T  # W R^-1
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(4), atol=1e-5)
    log_det = layer.forward_and_log_det(jnp.ones(4))[1]
    np.testing.assert_allclose(log_det, np.linalg.slogdet(matrix_of(layer))[1], atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "svd"}, "Orthogonal: expected method householder, cayley or exp, got 'svd'."),
        (
            {"method": "exp", "reflections": 2},
            "Orthogonal: expected no reflections with method exp, got 2.",
        ),
        (
            {"reflections": 0},
            "Orthogonal: expected reflections to be a whole number of at least 1, got 0.",
        ),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        Orthogonal(3, **arguments)
    with pytest.raises(ConfigError, match=f"^{re.escape(message.replace('Orthogonal', 'QR'))}$"):
        QR(3, **arguments)
