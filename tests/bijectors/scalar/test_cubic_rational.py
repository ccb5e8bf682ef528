import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import CubicRational
from pushforward.errors import ConfigError


def test_its_parameters_are_shift_scale_width_centre_and_bump():
    params, x = np.float32([0.3, -0.5, 0.4, 0.2, 0.7]), 0.6
    b, d = np.exp(2 * np.tanh(params[1:3].astype(float) / 2))
    c = 0.99 * np.tanh(0.7) * 8 * np.sqrt(3) / 9 * b / d
    y, log_dydx = CubicRational(2.0).forward(jnp.asarray(params), jnp.float32(x))
    np.testing.assert_allclose(y, 0.3 + b * x + c / (1 + (d * x + 0.2) ** 2), rtol=1e-6)
    back, log_dxdy = CubicRational(2.0).inverse(jnp.asarray(params), y)
    np.testing.assert_allclose([back, log_dxdy], [x, -log_dydx], rtol=1e-5)


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_gradients_are_finite_at_extreme_parameters(direction):
    function = getattr(CubicRational(), direction)
    random = np.random.default_rng(0)
    params = random.choice(np.float32([-1e30, -1e4, -1, 0, 1, 1e4, 1e30]), (2000, 5))
    x = random.choice(np.float32([-1e30, -1, -0.0, 0.6, 1e30]), 2000)
    both = jax.jit(jax.vmap(jax.value_and_grad(lambda p, x: sum(function(p, x)), (0, 1))))
    value, gradients = both(params, x)
    for leaf in (value, *gradients):
        assert np.isfinite(leaf).all()


@pytest.mark.parametrize("bound", [0.0, 11.0, "3", float("nan")])
def test_wrong_arguments(bound):
    with pytest.raises(ConfigError) as caught:
        CubicRational(bound)
    assert str(caught.value) == f"CubicRational: expected bound from 0.01 to 10, got {bound!r}."
