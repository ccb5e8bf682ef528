import jax.numpy as jnp
import jax.random as jr
import pytest

from pushforward.bijectors import Affine, Autoregressive, Chain, Coupling, Invert, Stack, halves
from pushforward.nets import MADE, MLP
from pushforward.testing import check_bijector
from pushforward.testing.mutants import Made


def _coupling(key):
    return Coupling(Affine(), MLP(key, 2, 4, hidden=(4,)), halves(4))


def _autoregressive(key):
    return Autoregressive(Affine(), MADE(key, 4, 2, hidden=(4,)))


@pytest.mark.parametrize(
    "bijector",
    [
        _coupling(jr.key(0)),
        Stack([Chain([_coupling(k), _coupling(k)]) for k in jr.split(jr.key(0), 3)]),
        _autoregressive(jr.key(0)),
        Invert(_autoregressive(jr.key(0))),
        Stack([_autoregressive(k) for k in jr.split(jr.key(0), 2)]),
        Chain([_autoregressive(jr.key(0)), Invert(_autoregressive(jr.key(1)))]),
    ],
    ids=["coupling", "stack of chains", "autoregressive", "inverted", "stack", "neither side"],
)
def test_declared_side_is_cheap(bijector):
    check_bijector(bijector, jr.key(0), only=["cheap_side"])


def test_a_loop_until_convergence_is_not_cheap():
    import jax

    def inverse(p, y):
        x = jax.lax.while_loop(lambda x: jnp.abs(2 * x - y).max() > 1e-6, lambda x: x - (2 * x - y) / 3, y)
        return x, jnp.zeros((), y.dtype)

    sluggish = Made({}, lambda p, x: (2 * x, jnp.zeros((), x.dtype)), inverse)
    report = check_bijector(sluggish, jr.key(0), only=["cheap_side"], raises=False)
    assert report["cheap_side"].message == "inverse is declared cheap, but holds 1 loops of unknown length."
    honest = Made({}, sluggish.onward, inverse, cheap="forward")
    check_bijector(honest, jr.key(0), only=["cheap_side"])
