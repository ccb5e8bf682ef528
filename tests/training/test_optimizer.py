import math
import re

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pushforward.errors import ConfigError
from pushforward.training.optimizer import Optimizer, average_decay, rate, transformation


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"learning_rate": 0.0}, "expected learning_rate to be a positive number, got 0.0."),
        ({"learning_rate": math.nan}, "expected learning_rate to be a positive number, got nan."),
        ({"weight_decay": -1.0}, "expected weight_decay to be a number of at least 0, got -1.0."),
        ({"clip": 0.0}, "expected clip to be a positive number or None, got 0.0."),
        ({"warmup": 1.0}, "expected warmup to be a number in [0, 1), got 1.0."),
        ({"schedule": "step"}, "expected schedule to be one of cosine, constant, got 'step'."),
        ({"ema": 1.0}, "expected ema to be a number in [0, 1) or None, got 1.0."),
        ({"betas": (0.9,)}, "expected betas to be two numbers in [0, 1), got (0.9,)."),
    ],
)
def test_refusals(setting, message):
    with pytest.raises(ConfigError, match=f"^{re.escape(f'Optimizer: {message}')}$"):
        Optimizer(**setting)


def test_settings_are_hashable_also_with_a_list():
    assert hash(Optimizer(betas=[0.9, 0.99])) == hash(Optimizer(betas=(0.9, 0.99)))


def test_the_rate_rises_linearly_and_falls_as_a_cosine_to_zero():
    settings = Optimizer(learning_rate=2.0, warmup=0.2)
    progress = np.array([0.0, 0.1, 0.2, 0.6, 1.0, 1.5])
    np.testing.assert_allclose(rate(settings, jnp.asarray(progress)), [0, 1, 2, 1, 0, 0], atol=1e-6)
    constant = Optimizer(learning_rate=2.0, warmup=0.2, schedule="constant")
    np.testing.assert_allclose(rate(constant, jnp.asarray(progress)), [0, 1, 2, 2, 2, 2], atol=1e-6)
    np.testing.assert_allclose(rate(Optimizer(learning_rate=2.0, warmup=0.0), jnp.zeros(1)), [2.0])
    np.testing.assert_array_equal(rate(optax.sgd(0.1), jnp.asarray(progress)), np.ones(6))


def test_the_transformation_is_clipped_adamw_without_the_rate():
    settings = Optimizer(learning_rate=0.5, weight_decay=0.1, clip=1.0, betas=(0.8, 0.9))
    oracle = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(0.5, b1=0.8, b2=0.9, weight_decay=0.1))
    params, gradients = jnp.array([1.0, -2.0]), [jnp.array([3.0, 4.0]), jnp.array([0.1, 0.0])]
    ours, theirs = transformation(settings), oracle
    states = [ours.init(params), theirs.init(params)]
    for gradient in gradients:
        mine, states[0] = ours.update(gradient, states[0], params)
        expected, states[1] = theirs.update(gradient, states[1], params)
        np.testing.assert_allclose(0.5 * mine, expected, rtol=1e-6)


def test_any_transformation_of_optax_goes_through():
    update, _ = transformation(optax.sgd(0.1)).update(jnp.ones(2), optax.sgd(0.1).init(jnp.ones(2)), value=0)
    np.testing.assert_allclose(update, [-0.1, -0.1])


def test_the_average_forgets_the_start():
    decay = [float(average_decay(Optimizer(ema=0.99), jnp.int32(step))) for step in (0, 8, 10_000)]
    np.testing.assert_allclose(decay, [0.1, 0.5, 0.99], rtol=1e-6)
    assert average_decay(Optimizer(ema=None), jnp.int32(0)) is None
    assert average_decay(optax.sgd(0.1), jnp.int32(0)) is None
