import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import (
    ActNorm,
    Affine,
    BatchNorm,
    Bijector,
    Chain,
    Elementwise,
    Invert,
    Reverse,
    Stack,
)
from pushforward.bijectors.settling import Passing, holds, learn
from pushforward.errors import ConfigError

BOTH = (ActNorm, BatchNorm)
ROWS = (np.random.default_rng(0).normal(size=(30, 2)) * [3.0, 0.1] + [5.0, -2.0]).astype(np.float32)
PASSING = Passing(jnp.asarray(ROWS.reshape(3, 10, 2)), None, jnp.ones((3, 10)))


def affine(a, b):
    return Elementwise(Affine(), (2,), jnp.asarray([[a, b], [b, a]], jnp.float32))


def rows_behind(bijector, kinds=BOTH, **direction):
    found, behind = learn(bijector, PASSING, kinds, **direction)
    return found, np.asarray(behind.x).reshape(30, 2)


def test_each_layer_learns_from_what_the_layers_before_it_made():
    stack = Stack([Chain([BatchNorm((2,)), affine(a, 1.0), Reverse((2,))]) for a in (0.5, -0.5)])
    chain = Chain([ActNorm((2,)), Invert(affine(1.0, 0.0)), Invert(Invert(stack))])
    found, behind = rows_behind(chain)
    values = ROWS.astype(float)
    for index in (1, 0):
        layer = found[2].bijector.bijector.layer(index)
        values = np.asarray(jax.vmap(Chain(layer[1:]).inverse)(values.astype(np.float32)), float)
        np.testing.assert_allclose(layer[0].mean.value, values.mean(0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(layer[0].variance.value, values.var(0), rtol=1e-4)
        values = (values - values.mean(0)) / np.sqrt(values.var(0) + 1e-5)
    values = np.asarray(jax.vmap(chain[1].inverse)(values.astype(np.float32)), float)
    np.testing.assert_allclose(found[0].shift, values.mean(0), atol=1e-5)
    np.testing.assert_allclose(np.exp(found[0].log_scale), values.std(0), rtol=1e-4)
    np.testing.assert_allclose(behind.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(behind.std(0), 1, rtol=1e-5)
    # All else is as it was, and the map is the one that the rows went through.
    assert eqx.tree_equal(found[1], chain[1])
    np.testing.assert_allclose(jax.vmap(found.inverse)(ROWS), behind, atol=1e-5)


def test_an_inverted_actnorm_learns_too():
    found, behind = rows_behind(Invert(ActNorm((2,))))
    np.testing.assert_allclose(behind.std(0), 1, rtol=1e-5)
    np.testing.assert_allclose(found.bijector.log_scale, -np.log(ROWS.std(0)), atol=1e-5)


def test_only_the_classes_asked_for_learn():
    found, _ = rows_behind(Chain([BatchNorm((2,)), ActNorm((2,))]), (BatchNorm,))
    assert eqx.tree_equal(found[1], ActNorm((2,)))
    np.testing.assert_allclose(found[0].mean.value, ROWS.mean(0), rtol=1e-5)
    assert holds(found, BOTH)
    assert not holds(affine(0, 0), BOTH)


def test_padding_does_not_count():
    weights = jnp.ones((3, 10)).at[2, 4:].set(0)
    found, _ = learn(BatchNorm((2,)), Passing(PASSING.x, None, weights), BOTH)
    np.testing.assert_allclose(found.mean.value, ROWS[:24].mean(0), rtol=1e-5)


def test_the_wrong_way_round_is_refused():
    with pytest.raises(ConfigError) as caught:
        rows_behind(Chain([Invert(BatchNorm((2,)))]))
    assert str(caught.value) == (
        "BatchNorm: it normalises values on their way to the base in its inverse, but stands inside an Invert. "
        "Put it outside, or in a second Invert."
    )


class Wrapped(Bijector):
    """A container that nobody knows."""

    inner: Bijector
    in_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    context_shape: None = eqx.field(static=True, default=None)
    cheap: str = eqx.field(static=True, default="both")

    def forward_and_log_det(self, x, context=None, *, key=None):
        return self.inner.forward_and_log_det(x, context, key=key)

    def inverse_and_log_det(self, y, context=None, *, key=None):
        return self.inner.inverse_and_log_det(y, context, key=key)


def test_a_layer_in_an_unknown_container_is_refused():
    with pytest.raises(ConfigError) as caught:
        rows_behind(Chain([Wrapped(ActNorm((2,)))]))
    assert str(caught.value) == (
        "ActNorm: rows can be followed to it through Flow, Chain, Stack and Invert, but it lies in Wrapped."
    )
    found, _ = rows_behind(Chain([BatchNorm((2,)), Wrapped(ActNorm((2,)))]), (BatchNorm,))
    assert isinstance(found[1], Wrapped)
