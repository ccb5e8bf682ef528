import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import PiecewiseLinear, QuadraticSpline
from pushforward.errors import ConfigError
from pushforward.numerics import piecewise

PARAMS = jnp.asarray(np.random.default_rng(0).normal(size=9), jnp.float32)


def test_piecewise_linear_takes_one_height_a_bin():
    x = jnp.float32([0.3, 0.8])
    for interval, low, high in (("real", -2.0, 2.0), ("unit", 0.0, 1.0)):
        map_ = PiecewiseLinear(4, 2.0, interval)
        assert map_.num_params == 4
        params = jnp.stack([PARAMS[:4]] * 2, axis=1)
        expected = piecewise.linear(x, params, low=low, high=high)
        np.testing.assert_allclose(map_.forward(params, x), expected, rtol=1e-6)
        np.testing.assert_allclose(map_.inverse(params, expected[0]), [x, -expected[1]], rtol=1e-5)


def test_the_quadratic_spline_takes_widths_and_then_slopes():
    x = jnp.float32(0.3)
    for interval, low, high, knots in (("real", -2.0, 2.0, 3), ("unit", 0.0, 1.0, 5)):
        map_ = QuadraticSpline(4, 2.0, interval)
        assert map_.num_params == 4 + knots
        params = PARAMS[: map_.num_params]
        expected = piecewise.quadratic(x, params[:4], params[4:], low=low, high=high)
        np.testing.assert_allclose(map_.forward(params, x), expected, rtol=1e-6)
        np.testing.assert_allclose(map_.inverse(params, expected[0]), [x, -expected[1]], rtol=1e-5)


@pytest.mark.parametrize("class_", [PiecewiseLinear, QuadraticSpline])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bins": 1}, "expected 2 to 512 bins, got 1."),
        ({"bins": 8.0}, "expected 2 to 512 bins, got 8.0."),
        ({"bound": -1.0}, "expected a finite bound above 0, got -1.0."),
        ({"interval": "line"}, "expected interval real or unit, got 'line'."),
    ],
)
def test_wrong_arguments(class_, arguments, message):
    with pytest.raises(ConfigError) as caught:
        class_(**arguments)
    assert str(caught.value) == f"{class_.__name__}: {message}"
