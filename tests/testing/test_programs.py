import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import Affine, Elementwise
from pushforward.testing.programs import KINDS, loss_weights

BIJECTOR = Elementwise(Affine(), (2,), jnp.array([[0.3, 1.0], [-0.2, 0.5]]))
EVENTS = jnp.array([[0.5, -1.0], [2.0, 0.1], [0.0, 3.0]])


def _run(kind):
    parameters, static = eqx.partition(BIJECTOR, eqx.is_inexact_array)
    return KINDS[kind](static, "forward")(parameters, EVENTS, None)


def test_values_and_stacked_parameters_agree():
    for a, b in zip(_run("values"), _run("stacked"), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("kind", ["exact", "exact_in_reverse"])
def test_derivatives_of_an_affine_map(kind):
    out, log_det, jacobian, slope = _run(kind)
    scale = np.exp(3 * np.tanh(np.array([0.3, -0.2]) / 3))
    np.testing.assert_allclose(out, EVENTS * scale + np.array([1.0, 0.5]), rtol=1e-5)
    np.testing.assert_allclose(log_det, np.full(3, np.log(scale).sum()), rtol=1e-5)
    np.testing.assert_allclose(jacobian, np.broadcast_to(np.diag(scale), (3, 2, 2)), rtol=1e-5)
    assert not np.any(slope)


def test_gradients_are_those_of_the_weighted_mean():
    _, events, context = _run("gradients")
    scale = np.exp(3 * np.tanh(np.array([0.3, -0.2]) / 3))
    np.testing.assert_allclose(events, np.broadcast_to(loss_weights((2,)) * scale / 3, (3, 2)), rtol=1e-5)
    assert context is None


def test_weights_keep_a_sum_of_large_numbers_finite():
    weights = loss_weights((5, 4)).astype(np.float32)
    assert weights.shape == (5, 4)
    assert np.all(weights != 0)
    assert np.isfinite(jax.numpy.sum(weights * np.finfo(np.float32).max / 2))
