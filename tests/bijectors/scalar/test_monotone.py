"""What the scalar maps with a numerical inverse share: refusals, hard parameters, both directions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import (
    Bernstein,
    DeepSigmoid,
    Elementwise,
    Gaussianize,
    MixtureOfLogistics,
    MonotoneIntegral,
    SumOfSquares,
)
from pushforward.errors import ConfigError

MAPS = {
    "MixtureOfLogistics": MixtureOfLogistics(4),
    "DeepSigmoid": DeepSigmoid(4, 2),
    "Gaussianize": Gaussianize(4),
    "Bernstein": Bernstein(12),
    "SumOfSquares": SumOfSquares(3, 3),
    "MonotoneIntegral": MonotoneIntegral(6),
}
X = np.concatenate([np.linspace(-12, 12, 49), [1e-30, -1e3, 1e3]])


def hard(scalar):
    """Parameters far from zero: in one column each, normal ones, large ones, and ones of 1e6 of both signs."""
    random = np.random.default_rng(0)
    normal = random.normal(size=(scalar.num_params, 6))
    return normal * [0.5, 1.0, 3.0, 10.0, 1e6, 0.0], random


@pytest.mark.parametrize("name", MAPS)
def test_every_parameter_vector_gives_an_increasing_map_with_an_inverse(name):
    scalar = MAPS[name]
    params, _ = hard(scalar)
    x = np.sort(X)[:, None]
    shape = (len(x), params.shape[1])
    wide = np.broadcast_to(params[:, None], (scalar.num_params, *shape))
    with jax.enable_x64(True):
        y, log_dydx = map(np.asarray, jax.jit(scalar.forward)(wide, np.broadcast_to(x, shape)))
        back, log_dxdy = map(np.asarray, jax.jit(scalar.inverse)(wide, y))
        again = np.asarray(jax.jit(scalar.forward)(wide, back)[0])
    assert np.isfinite(y).all()
    assert np.isfinite(log_dydx).all()
    # A step that y's own rounding hides is none: flat parts have slopes of exp(-10), beside values of 1e9.
    rounding = 1e-13 * (1 + np.abs(y[1:]) + np.abs(params).max(axis=0))
    assert (np.diff(y, axis=0) > -rounding).all()
    mild = slice(0, 3)
    assert (np.diff(y[:, mild], axis=0)[np.diff(x[:, 0]) > 1e-3] > 0).all()
    np.testing.assert_allclose(again, y, rtol=1e-12, atol=1e-9 * (1 + np.abs(params).max() / 1e6))
    np.testing.assert_allclose(back[:, mild], np.broadcast_to(x, shape)[:, mild], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(log_dxdy[:, mild], -log_dydx[:, mild], atol=1e-7)


@pytest.mark.parametrize("name", MAPS)
def test_gradients_are_finite_with_hard_parameters(name):
    scalar = MAPS[name]
    params = hard(scalar)[0].astype(np.float32)

    def total(direction, params, value):
        out, log_slope = direction(params, value)
        return jnp.sum(out) + jnp.sum(log_slope)

    for direction in (scalar.forward, scalar.inverse):
        slopes = jax.jit(jax.grad(lambda p, v, d=direction: total(d, p, v), argnums=(0, 1)))
        for value in (0.0, 3.0, -200.0):
            for gradient in slopes(params, np.full(params.shape[1], value, np.float32)):
                assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", MAPS)
def test_nan_comes_out_and_the_cheap_side_is_forward(name):
    bijector = Elementwise(MAPS[name], (2,))
    assert bijector.cheap == "forward"
    x, log_det = jax.jit(lambda y: bijector.inverse_and_log_det(y))(jnp.array([jnp.nan, 0.5]))
    assert np.isnan(x[0])
    assert np.isfinite(x[1])
    assert np.isnan(log_det)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MixtureOfLogistics(0), "MixtureOfLogistics: expected components from 1 to 256, got 0."),
        (lambda: Gaussianize(2.0), "Gaussianize: expected components from 1 to 256, got 2.0."),
        (lambda: DeepSigmoid(257), "DeepSigmoid: expected units from 1 to 256, got 257."),
        (lambda: DeepSigmoid(4, 7), "DeepSigmoid: expected layers from 1 to 6, got 7."),
        (lambda: Bernstein(101), "Bernstein: expected degree from 1 to 100, got 101."),
        (lambda: Bernstein(4, 0.0), "Bernstein: expected a finite bound above 0, got 0.0."),
        (lambda: SumOfSquares(0), "SumOfSquares: expected degree from 1 to 20, got 0."),
        (lambda: SumOfSquares(2, True), "SumOfSquares: expected terms from 1 to 20, got True."),
        (lambda: SumOfSquares(2, 2, -1), "SumOfSquares: expected a finite bound above 0, got -1."),
        (lambda: MonotoneIntegral(0), "MonotoneIntegral: expected units from 1 to 256, got 0."),
        (
            lambda: MonotoneIntegral(4, 32),
            "MonotoneIntegral: expected an odd number of nodes from 3 to 257, got 32.",
        ),
        (
            lambda: MonotoneIntegral(4, 33, None),
            "MonotoneIntegral: expected a finite bound above 0, got None.",
        ),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "within"),
    [
        ("MixtureOfLogistics", 0.2),
        ("DeepSigmoid", 0.4),
        ("Bernstein", 1e-5),
        ("SumOfSquares", 0.1),
        ("MonotoneIntegral", 1e-5),
    ],
)
def test_how_near_to_the_identity_they_start(name, within):
    scalar = MAPS[name]
    x = np.linspace(-8, 8, 33).astype(np.float32)
    y, _ = jax.jit(scalar.forward)(np.zeros((scalar.num_params, 1), np.float32), x)
    assert np.abs(y - x).max() < within


@pytest.mark.parametrize("name", MAPS)
def test_parts_that_start_alike_do_not_stay_alike(name):
    """At parameters zero every parameter has a gradient, and no two parts have the same.

    Of a network with one hidden layer only the last weights have one, until they are no longer zero.
    """
    scalar = MAPS[name]
    x = np.random.default_rng(0).normal(size=50).astype(np.float32)

    def loss(params):
        y, log_dydx = scalar.forward(params[:, None], x)
        return jnp.mean(0.5 * y**2 * jnp.exp(0.3 * y) - log_dydx)

    gradient = np.asarray(jax.jit(jax.grad(loss))(jnp.zeros(scalar.num_params)))
    if name == "MonotoneIntegral":
        gradient = gradient[2 * scalar.units :]
    if name != "SumOfSquares":  # where some coefficients multiply high powers of x / bound
        assert (np.abs(gradient) > 1e-6).all()
    # A part is a number, but with squares a polynomial: the powers of one are another's, shifted.
    parts = gradient[:-1].reshape(scalar.terms, -1) if name == "SumOfSquares" else gradient
    assert len(np.unique(parts.round(7), axis=0)) >= len(parts) - (name != "SumOfSquares")
