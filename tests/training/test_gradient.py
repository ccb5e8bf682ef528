"""The gradient of shares is that of the whole batch. Of several devices: tests/training/test_layout.py."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import BatchNorm, Chain, Coupling, Elementwise, Shift
from pushforward.bijectors.scalar.affine import Affine
from pushforward.distributions.flow import Flow
from pushforward.distributions.normal import StandardNormal
from pushforward.nets import MLP
from pushforward.objectives import negative_log_likelihood, negative_log_likelihoods
from pushforward.training.gradient import cores_pay, loss_and_gradient
from pushforward.training.layout import Layout, make_layout
from pushforward.training.rows import Rows


class Halved(eqx.Module):
    """Half the likelihood's loss, known row by row."""

    factor: jax.Array

    def __call__(self, flow, x, context, weights, key):
        return self.factor * negative_log_likelihood(flow, x, context, weights, key)

    def row_losses(self, flow, x, context, key, *, rows, size):
        return self.factor * negative_log_likelihoods(flow, x, context, key, rows=rows, size=size)


def dropping():
    net = MLP(jr.key(0), 2, 4, context_features=1, hidden=(200, 200), dropout=0.5)
    net = jax.tree.map(lambda leaf: leaf + 0.1 if eqx.is_inexact_array(leaf) else leaf, net)
    return Flow(StandardNormal((4,)), Coupling(Affine(), net, mask=np.arange(4) < 2, context_shape=(1,)))


def normed():
    return Flow(StandardNormal((4,)), Chain([Elementwise(Shift(), (4,)), BatchNorm((4,))]))


@pytest.mark.parametrize("objective", [negative_log_likelihood, Halved(jnp.asarray(0.5))])
@pytest.mark.parametrize("make", [dropping, normed])
def test_the_gradient_of_shares_is_that_of_the_batch(monkeypatch, objective, make):
    """Rows of weight 0 within the batch, and two that fill it up. Arrays small and large, dropout, a context."""
    monkeypatch.setattr(Layout, "is_shared", True)  # on one device, which then has all rows for its share
    flow, rng = make(), np.random.default_rng(0)
    params, fixed = eqx.partition(flow, eqx.is_inexact_array)
    x = jnp.asarray(rng.normal(size=(10, 4)), float)
    context = jnp.asarray(rng.normal(size=(10, 1)), float) if flow.context_shape else None
    weights = jnp.asarray([1.0, 0.0, 2.0, 1.0, 0.5, 3.0, 1.0, 1.0, 0.0, 0.0])

    @eqx.filter_jit
    def found(layout, objective):
        rest = (params, fixed, Rows(x, context, weights), weights, jr.key(1))
        return loss_and_gradient(*rest, objective=objective, size=8, layout=layout)

    alone, shares = found(None, objective), found(make_layout(1), objective)
    assert jax.tree.structure(alone) == jax.tree.structure(shares)
    for expected, got in zip(jax.tree.leaves(alone), jax.tree.leaves(shares), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


def test_a_batch_of_padding_has_loss_and_gradient_zero(monkeypatch, affine):
    monkeypatch.setattr(Layout, "is_shared", True)
    params, fixed = eqx.partition(affine(), eqx.is_inexact_array)
    rows = Rows(jnp.ones((4, 2)), None, jnp.zeros(4))
    found = eqx.filter_jit(loss_and_gradient)(
        params,
        fixed,
        rows,
        jnp.zeros(4),
        jr.key(0),
        objective=negative_log_likelihood,
        size=4,
        layout=make_layout(1),
    )
    assert all(not leaf.any() for leaf in jax.tree.leaves(found))


def test_cores_pay_for_some_parameters_of_rows_that_stand_alone(affine):
    def pays(flow, objective=negative_log_likelihood):
        return cores_pay(*eqx.partition(flow, eqx.is_inexact_array), objective)

    def shifts(features, *layers):
        return Flow(StandardNormal((features,)), Chain([Elementwise(Shift(), (features,)), *layers]))

    several = shifts(100_000)
    assert pays(several)
    assert pays(several, Halved(jnp.asarray(0.5)))
    assert not pays(several, functools.partial(negative_log_likelihood))
    assert not pays(shifts(100_000, BatchNorm((100_000,))))
    assert not pays(shifts(2**20 + 1))
    assert not pays(affine())  # a few dozen: a step is done before the cores have met
