import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import SinhArcsinh
from pushforward.errors import ConfigError


def test_its_parameters_are_skewness_and_tail():
    skewness, tail = 5 * np.tanh(0.4 / 5), np.exp(np.tanh(-0.3))
    y, log_dydx = SinhArcsinh().forward(jnp.float32([0.4, -0.3]), jnp.float32(1.5))
    np.testing.assert_allclose(y, np.sinh(tail * (np.arcsinh(1.5) + skewness)), rtol=1e-6)
    back, log_dxdy = SinhArcsinh().inverse(jnp.float32([0.4, -0.3]), y)
    np.testing.assert_allclose([back, log_dxdy], [1.5, -log_dydx], rtol=1e-5)


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_values_and_gradients_are_finite_at_extreme_parameters(direction):
    """With the default bounds up to |x| = 1e8: beyond, the heaviest tails leave float32."""
    function = getattr(SinhArcsinh(), direction)
    random = np.random.default_rng(0)
    params = random.choice(np.float32([-1e30, -1e4, -1, 0, 1, 1e4, 1e30]), (2000, 2))
    x = random.choice(np.float32([-1e8, -1, -0.0, 1e-30, 0.6, 1e8]), 2000)
    both = jax.jit(jax.vmap(jax.value_and_grad(lambda p, x: sum(function(p, x)), (0, 1))))
    value, gradients = both(params, x)
    for leaf in (value, *gradients):
        assert np.isfinite(leaf).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bound": 0.0}, "SinhArcsinh: expected bound from 0.01 to 3, got 0.0."),
        ({"skewness": 30}, "SinhArcsinh: expected skewness from 0.01 to 20, got 30."),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        SinhArcsinh(**arguments)
    assert str(caught.value) == message
