"""gaussianization: rotations and marginal maps in turn."""

import jax
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Coupling, Elementwise, Gaussianize, Invert, Orthogonal
from pushforward.errors import ConfigError
from pushforward.flows import gaussianization


@pytest.mark.parametrize(("context", "last"), [(0, Elementwise), (2, Coupling)])
def test_each_layer_mixes_and_then_maps_every_feature_by_itself(context, last):
    flow = jax.eval_shape(
        lambda: gaussianization(
            jr.key(0), features=3, context_features=context, layers=2, hidden=(4,), components=5
        )
    )
    assert isinstance(flow.bijector.stacked, Invert)
    parts = flow.bijector.stacked.bijector
    assert [type(part) for part in parts] == [Orthogonal, last]
    assert parts[-1].map == Gaussianize(5)
    assert (flow.bijector.cheap, flow.bijector.depth) == ("inverse", 2)


def test_density_and_samples_agree(randomised):
    flow = randomised(lambda: gaussianization(jr.key(0), features=3, layers=2, components=3))
    x, log_prob = flow.sample_and_log_prob(jr.key(1), 64)
    np.testing.assert_allclose(flow.log_prob(x), log_prob, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": 0}, "gaussianization: expected layers to be a whole number of at least 1, got 0."),
        ({"hidden": 3}, "gaussianization: expected hidden to be a tuple of positive whole numbers, got 3."),
        ({"components": 0}, "Gaussianize: expected components from 1 to 256, got 0."),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        gaussianization(jr.key(0), **{"features": 2, **arguments})
    assert str(caught.value) == message
