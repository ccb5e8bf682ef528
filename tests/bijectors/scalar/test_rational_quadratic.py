import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import RationalQuadraticSpline
from pushforward.errors import ConfigError
from pushforward.numerics import splines

PARAMS = jnp.asarray(np.random.default_rng(0).normal(size=8), jnp.float32)


def test_its_parameters_are_widths_heights_and_inner_slopes():
    spline = RationalQuadraticSpline(3, bound=2.0)
    assert spline.num_params == 8
    widths, heights, slopes = PARAMS[:3], PARAMS[3:6], PARAMS[6:]
    x = jnp.asarray(0.7)
    expected = splines.rational_quadratic(x, widths, heights, slopes, bound=2.0)
    np.testing.assert_array_equal(spline.forward(PARAMS, x), expected)
    expected = splines.rational_quadratic_inverse(x, widths, heights, slopes, bound=2.0)
    np.testing.assert_array_equal(spline.inverse(PARAMS, x), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bins": 1}, "RationalQuadraticSpline: expected 2 to 512 bins, got 1."),
        ({"bins": 513}, "RationalQuadraticSpline: expected 2 to 512 bins, got 513."),
        ({"bins": 8.0}, "RationalQuadraticSpline: expected 2 to 512 bins, got 8.0."),
        ({"bound": -5.0}, "RationalQuadraticSpline: expected a finite bound above 0, got -5.0."),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        RationalQuadraticSpline(**arguments)
    assert str(caught.value) == message
