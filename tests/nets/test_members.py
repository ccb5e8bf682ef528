"""Networks under other masks: their zero pattern, their two faces, and the mask algebra written out."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.nets import MADE, draw_masks, remasked
from pushforward.nets.members import nth
from pushforward.numerics import masks as mask_math

OPTIONS = [{}, {"order": "reversed", "direct": True}, {"residual": True}, {"residual": True, "direct": True}]
FEATURES, CONTEXT = 5, 2


def made(**options):
    net = MADE(
        jr.key(0), FEATURES, 2, context_features=CONTEXT, hidden=(9, 9), activation="tanh", **options
    )
    parameters, rest = eqx.partition(net, eqx.is_inexact_array)
    moved = jax.tree.map(lambda leaf: leaf + 0.3 * jr.normal(jr.key(leaf.size), leaf.shape), parameters)
    return eqx.combine(moved, rest)


@pytest.mark.parametrize("options", OPTIONS)
def test_a_member_sees_exactly_the_elements_before(options):
    net = made(**options)
    masks = draw_masks(jr.key(5), net)
    member = remasked(net, masks)
    context = jnp.array([0.3, -1.0])
    x = jr.normal(jr.key(1), (FEATURES,))
    order = np.asarray(masks.order)
    jacobian = np.abs(jax.jacobian(lambda v: member(v, context))(x)).sum(axis=0)[order][:, order]
    assert (np.triu(jacobian) == 0).all()
    assert (jacobian[np.tril_indices(FEATURES, -1)] > 0).all()


@pytest.mark.parametrize("options", OPTIONS)
def test_a_member_takes_turns_as_it_makes_one_pass(options):
    net = made(**options)
    member = remasked(net, draw_masks(jr.key(5), net))
    targets, contexts = jr.normal(jr.key(2), (FEATURES, 3)), jr.normal(jr.key(3), (CONTEXT, 3))
    found, shifts = member.in_turn(lambda p, t: (t + p[0] - p[1], p[0] - p[1]), targets, contexts)
    params = jax.vmap(member, in_axes=1, out_axes=-1)(found, contexts)
    np.testing.assert_allclose(shifts, params[0] - params[1], atol=2e-5)
    np.testing.assert_allclose(found - shifts, targets, atol=2e-5)


def test_weights_stay_and_masks_change():
    """The member is the papers': the weights in their places, under masks from degrees that are dealt out anew."""
    net = made()
    masks = draw_masks(jr.key(7), net)
    x, context = np.array([0.3, -1.0, 0.5, 2.0, -0.2]), np.array([0.3, -1.0])
    seen = np.argsort(masks.order) + 1  # the degree of an element: its place in the order
    degrees = mask_math.hidden_degrees(9, FEATURES, lowest=0)
    degree = [seen]
    for units in masks.units:
        dealt = np.zeros(9, int)
        dealt[np.asarray(units)] = degrees
        degree.append(dealt)
    values = x
    for i, layer in enumerate(net.layers[:-1]):
        mask = degree[i + 1][:, None] >= degree[i]
        told = net.from_context[i].weight @ context if net.from_context[i] is not None else 0
        values = np.tanh((mask * layer.weight) @ values + layer.bias + told)
    mask = np.tile(seen, 2)[:, None] > degree[-1]
    expected = ((mask * net.layers[-1].weight) @ values + net.layers[-1].bias).reshape(2, FEATURES)
    np.testing.assert_allclose(remasked(net, masks)(jnp.asarray(x), jnp.asarray(context)), expected, rtol=2e-5)


def test_what_is_not_drawn_stays():
    net = made(order="reversed")
    order_alone = draw_masks(jr.key(1), net, connectivity=False)
    assert order_alone.units is None
    units_alone = draw_masks(jr.key(1), net, order=False)
    assert units_alone.order is None
    assert (remasked(net, units_alone).order == net.order).all()
    assert (remasked(net, order_alone).layers[1].weight == net.layers[1].weight).all()


def test_one_program_serves_all_masks():
    net, x, context = made(), jnp.ones(FEATURES), jnp.ones(CONTEXT)
    calls = []

    @jax.jit
    def apply(key):
        calls.append(1)
        return remasked(net, draw_masks(key, net))(x, context)

    outputs = np.stack([apply(jr.key(seed)) for seed in range(8)])
    assert len(calls) == 1
    assert len(np.unique(outputs.reshape(8, -1), axis=0)) == 8


def test_one_of_many():
    net = made()
    many = jax.vmap(lambda key: draw_masks(key, net))(jr.split(jr.key(0), 3))
    second = draw_masks(jr.split(jr.key(0), 3)[1], net)
    jax.tree.map(np.testing.assert_array_equal, nth(many, 1), second)
