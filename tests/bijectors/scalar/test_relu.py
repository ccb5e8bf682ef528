import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import LeakyReLU, PReLU
from pushforward.errors import ConfigError

X = np.float32([-1e30, -2, -0.0, 0.0, 3, 1e30])


def test_prelu_learns_a_slope_within_its_bound():
    for raw in (-1e30, -0.5, 0.0, 0.5, 1e30):
        slope = np.exp(2 * np.tanh(raw / 2))
        params = jnp.float32([raw])
        y, log_dydx = PReLU(2.0).forward(params, X)
        np.testing.assert_allclose(y, np.where(X < 0, slope * X, X), rtol=1e-6)
        np.testing.assert_allclose(log_dydx, np.where(X < 0, np.log(slope), 0), rtol=1e-6)
        back, log_dxdy = PReLU(2.0).inverse(params, y)
        np.testing.assert_allclose(back, X, rtol=1e-6)
        np.testing.assert_array_equal(log_dxdy, -log_dydx)


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_gradients_are_finite_at_extreme_parameters(direction):
    function = getattr(PReLU(), direction)
    raw, x = (a.reshape(-1) for a in np.meshgrid(np.float32([-1e30, -1, 0, 1e4, 1e30]), X))
    for gradient in jax.vmap(jax.grad(lambda p, x: sum(function(p, x)), (0, 1)))(raw[:, None], x):
        assert np.isfinite(gradient).all()


def test_leaky_relu_has_a_fixed_slope():
    y, log_dydx = LeakyReLU(0.1).forward(jnp.zeros(0), X)
    np.testing.assert_allclose(y, np.where(X < 0, 0.1 * X, X), rtol=1e-6)
    np.testing.assert_allclose(log_dydx, np.where(X < 0, np.log(0.1), 0), rtol=1e-6)
    np.testing.assert_allclose(LeakyReLU(0.1).inverse(jnp.zeros(0), y)[0], X, rtol=1e-6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PReLU(0.0), "PReLU: expected a finite bound above 0, got 0.0."),
        (lambda: LeakyReLU(0.0), "LeakyReLU: expected slope from 1e-06 to 1e+06, got 0.0."),
        (lambda: LeakyReLU(-1.0), "LeakyReLU: expected slope from 1e-06 to 1e+06, got -1.0."),
        (lambda: LeakyReLU(float("nan")), "LeakyReLU: expected slope from 1e-06 to 1e+06, got nan."),
        (lambda: LeakyReLU(True), "LeakyReLU: expected slope from 1e-06 to 1e+06, got True."),
    ],
)
def test_wrong_arguments(build, message):
    with pytest.raises(ConfigError) as caught:
        build()
    assert str(caught.value) == message
