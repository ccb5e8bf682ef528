import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import (
    Affine,
    Elementwise,
    RationalQuadraticSpline,
    ScalarMap,
    Scale,
    Shift,
    elementwise,
)
from pushforward.bijectors.elementwise import map_elements
from pushforward.errors import ShapeError


def test_every_element_has_parameters_of_its_own():
    params = np.array([[[0.1], [0.2]], [[0.3], [0.4]], [[0.5], [0.6]]], np.float32)
    bijector = Elementwise(Scale(), (3, 2), params)
    x = np.arange(1.0, 7.0, dtype=np.float32).reshape(3, 2)
    y, log_det = bijector.forward_and_log_det(x)
    np.testing.assert_allclose(y, x * np.exp(params[..., 0]), rtol=1e-6)
    np.testing.assert_allclose(log_det, params.sum(), rtol=1e-6)
    back, log_det = bijector.inverse_and_log_det(y)
    np.testing.assert_allclose(back, x, rtol=1e-6)
    np.testing.assert_allclose(log_det, -params.sum(), rtol=1e-6)


def test_without_parameters_it_starts_as_the_identity_and_can_be_trained():
    bijector = Elementwise(RationalQuadraticSpline(4), (2,))
    assert bijector.params.shape == (2, 11)
    assert not bijector.params.weak_type
    np.testing.assert_allclose(bijector.forward(jnp.array([0.3, -2.0])), [0.3, -2.0], atol=1e-6)


@pytest.mark.parametrize("together", [True, False])
def test_a_map_may_take_no_parameters(together):
    class Cube(ScalarMap):
        elementwise = together
        num_params = 0

        def forward(self, params, x):
            assert params.shape[0] == 0
            return x**3, jnp.log(3 * x**2)

        def inverse(self, params, y):
            return jnp.cbrt(y), -jnp.log(3 * jnp.cbrt(y) ** 2)

    bijector = Elementwise(Cube(), (2, 3))
    assert bijector.params.shape == (2, 3, 0)
    x = np.arange(1, 13, dtype=np.float32).reshape(2, 2, 3)
    for batch, function in ((x[0], lambda f: f), (x, jax.vmap)):
        y, log_det = function(bijector.forward_and_log_det)(batch)
        np.testing.assert_allclose(y, batch**3, rtol=1e-6)
        np.testing.assert_allclose(log_det, np.log(3 * batch**2).sum((-1, -2)), rtol=1e-6)
        np.testing.assert_allclose(function(bijector.inverse_and_log_det)(y)[0], batch, rtol=1e-6)


def test_parameters_become_trainable_floats():
    assert Elementwise(Shift(), (2,), [[1], [2]]).params.dtype == jnp.float32


def test_an_event_may_be_a_number():
    assert Elementwise(Shift(), (), [2.0]).forward(3.0) == 5


def test_parameters_of_another_shape_are_refused():
    with pytest.raises(ShapeError) as caught:
        Elementwise(Affine(), (3,), jnp.zeros((2, 3)))
    assert str(caught.value) == "Elementwise: expected params of shape (3, 2), got shape (2, 3)."


def test_map_elements_sums_the_log_derivatives():
    values, params = jnp.ones((2, 3)), jnp.arange(6.0).reshape(1, 2, 3)
    mapped, log_det = map_elements(Scale().forward, params, values)
    np.testing.assert_allclose(mapped, np.exp(np.arange(6.0)).reshape(2, 3), rtol=1e-6)
    assert log_det == 15


def test_many_elements_are_mapped_in_pieces_without_a_difference(monkeypatch):
    spline, n = RationalQuadraticSpline(4, 3.0), 7
    params = jr.normal(jr.key(0), (n, 50, spline.num_params))
    values = jr.normal(jr.key(1), (n, 50))

    def total(params, values):
        mapped, log_dets = jax.vmap(Elementwise.forward_and_log_det)(
            jax.vmap(lambda p: Elementwise(spline, (50,), p))(params), values
        )
        return jnp.sum(mapped * jnp.cos(values)) + jnp.sum(log_dets)

    def seen():
        jax.clear_caches()
        return jax.value_and_grad(total, argnums=(0, 1))(params, values)

    whole = seen()
    monkeypatch.setattr(elementwise, "_PIECE", 21)  # three rows at a time, the last piece filled up
    pieces = seen()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-5), whole, pieces)
