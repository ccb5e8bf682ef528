import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import CircularSpline
from pushforward.errors import ConfigError
from pushforward.numerics import circle

PARAMS = jnp.asarray(np.random.default_rng(0).normal(size=10), jnp.float32)


@pytest.mark.parametrize("phase", [False, True])
def test_its_parameters_are_widths_heights_slopes_and_the_phase(phase):
    spline, x = CircularSpline(3, phase), jnp.float32(0.7)
    assert spline.num_params == 9 + phase
    params = PARAMS[: spline.num_params]
    parts = (params[:3], params[3:6], params[6:9], params[9] if phase else None)
    np.testing.assert_array_equal(spline.forward(params, x), circle.circular_spline(x, *parts))
    np.testing.assert_array_equal(spline.inverse(params, x), circle.circular_spline_inverse(x, *parts))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bins": 513}, "CircularSpline: expected 2 to 512 bins, got 513."),
        ({"phase": 1}, "CircularSpline: expected phase to be True or False, got 1."),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        CircularSpline(**arguments)
    assert str(caught.value) == message
