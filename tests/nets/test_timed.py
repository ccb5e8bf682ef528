import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.special

from pushforward.errors import ConfigError, ShapeError
from pushforward.nets import TimeMLP

X, CONTEXT = np.float32([0.5, -1.0, 2.0]), np.float32([0.3, -0.7])


def _net(randomised, **arguments):
    return randomised(lambda: TimeMLP(jr.key(0), 3, hidden=(5, 4), **arguments))


@pytest.mark.parametrize("context", [None, CONTEXT])
def test_it_is_the_formula(randomised, context):
    """h <- tanh((W h + b) * sigmoid(G c + g) + S c), in NumPy."""
    net = _net(randomised, context_features=0 if context is None else 2)
    c = np.concatenate([[0.25], [] if context is None else context])
    values = X.astype(float)
    for index, (layer, gate, shift) in enumerate(zip(net.layers, net.gates, net.shifts, strict=True)):
        values = np.tanh(values) if index else values
        gated = scipy.special.expit(np.asarray(gate.weight) @ c + gate.bias)
        values = (np.asarray(layer.weight) @ values + layer.bias) * gated + np.asarray(shift.weight) @ c
    np.testing.assert_allclose(net(jnp.float32(0.25), X, context), values, rtol=1e-5)


def test_it_starts_at_zero():
    @jax.jit
    def run(key):
        return TimeMLP(key, 3, context_features=2, hidden=(4,))(jnp.float32(0.7), X, CONTEXT)

    np.testing.assert_array_equal(run(jr.key(0)), np.zeros(3))


@pytest.mark.parametrize("activation", ["tanh", "softplus", "silu", "gelu"])
def test_no_finite_input_makes_it_overflow(randomised, activation):
    net = _net(randomised, activation=activation, context_features=2)

    @jax.jit
    def both(x):
        return jax.value_and_grad(lambda x: jnp.sum(net(jnp.float32(0.5), x, -1e38 * CONTEXT)))(x)

    for extreme in itertools.product([0.0, 1e30, -1.7e38], repeat=3):
        value, slope = both(np.float32(extreme))
        assert np.isfinite(value)
        assert np.isfinite(slope).all()


def test_wrong_arguments():
    with pytest.raises(ConfigError) as caught:
        TimeMLP(jr.key(0), 3, activation="relu")
    assert str(caught.value) == "TimeMLP: expected activation tanh, softplus, silu, gelu, got 'relu'."
    with pytest.raises(ShapeError) as caught:
        eqx.filter_eval_shape(lambda: TimeMLP(jr.key(0), 3)(jnp.float32(0), X, CONTEXT))
    assert str(caught.value) == "TimeMLP: expected a context of 0 elements, got 2."
