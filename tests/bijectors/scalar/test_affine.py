import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import Affine, Scale, Shift
from pushforward.errors import ConfigError

RAW = np.array([-50.0, -20.0, -3.0, -0.5, 0.0, 0.7, 4.0, 30.0])
SCALES = {
    "exp": lambda a: np.exp(3 * np.tanh(a / 3)),
    "softplus": lambda a: np.log1p(np.exp(np.maximum(a + np.log(np.e - 1), -30))),
    "sigmoid": lambda a: 1 / (1 + np.exp(-np.maximum(a + 2, -30))),
}


@pytest.mark.parametrize("kind", SCALES)
def test_the_scale_is_the_one_of_the_paper(kind):
    params = np.stack([RAW, np.full(len(RAW), 0.25)], axis=1)
    with jax.enable_x64(True):
        y, log_dydx = jax.vmap(Affine(kind).forward, (0, None))(jnp.asarray(params), jnp.asarray(2.0))
        x, log_dxdy = jax.vmap(Affine(kind).inverse)(jnp.asarray(params), y)
    np.testing.assert_allclose(y, 2 * SCALES[kind](RAW) + 0.25, rtol=1e-12)
    np.testing.assert_allclose(log_dydx, np.log(SCALES[kind](RAW)), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(log_dxdy, -log_dydx, rtol=1e-12)
    np.testing.assert_allclose(x, 2, rtol=1e-3)


@pytest.mark.parametrize(("kind", "scale"), [("exp", 1), ("softplus", 1), ("sigmoid", 1 / (1 + np.exp(-2)))])
def test_at_parameters_zero(kind, scale):
    y, log_dydx = Affine(kind).forward(jnp.zeros(2), jnp.asarray(3.0))
    np.testing.assert_allclose(y, 3 * scale, rtol=1e-6)
    np.testing.assert_allclose(log_dydx, np.log(scale), atol=1e-6)


@pytest.mark.parametrize("kind", SCALES)
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_extreme_parameters_leave_values_and_gradients_finite(kind, direction):
    function = getattr(Affine(kind), direction)
    params = jnp.array([[a, b] for a in (-1e30, -1e4, -88.0, 88.0, 1e4, 1e15) for b in (-1e4, 0.0, 1e4)])
    for x in (0.0, 1.0, -1e15):
        values = jax.vmap(function, (0, None))(params, jnp.asarray(x))
        gradients = jax.vmap(jax.grad(lambda p, x: sum(function(p, x)), (0, 1)), (0, None))(
            params, jnp.asarray(x)
        )
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((values, gradients)))


def test_the_bound_limits_the_scale():
    log_scales = jax.vmap(Affine(bound=0.5).forward, (0, None))(jnp.array([[-1e9, 0], [1e9, 0]]), 1.0)[1]
    np.testing.assert_allclose(log_scales, [-0.5, 0.5])


def test_shift_and_scale():
    a, x = jnp.array([0.5]), jnp.asarray(2.0)
    assert [float(v) for v in (*Shift().forward(a, x), *Shift().inverse(a, x))] == [2.5, 0, 1.5, 0]
    forward, inverse = Scale().forward(a, x), Scale().inverse(a, x)
    np.testing.assert_allclose(forward, [2 * np.exp(0.5), 0.5], rtol=1e-6)
    np.testing.assert_allclose(inverse, [2 * np.exp(-0.5), -0.5], rtol=1e-6)


@pytest.mark.parametrize("map_", [Shift(), Scale(), Affine("softplus")])
def test_copies_have_the_same_structure(map_):
    assert jax.tree.structure(copy.deepcopy(jax.tree.map(lambda leaf: leaf, map_))) == jax.tree.structure(
        map_
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": "tanh"}, "Affine: expected scale exp, softplus or sigmoid, got 'tanh'."),
        ({"bound": 0.0}, "Affine: expected a finite bound above 0, got 0.0."),
        ({"bound": float("nan")}, "Affine: expected a finite bound above 0, got nan."),
        ({"bound": float("inf")}, "Affine: expected a finite bound above 0, got inf."),
        ({"bound": "3"}, "Affine: expected a finite bound above 0, got '3'."),
        ({"bound": True}, "Affine: expected a finite bound above 0, got True."),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        Affine(**arguments)
    assert str(caught.value) == message
