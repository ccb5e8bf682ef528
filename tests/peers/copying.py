"""Weights of other libraries' networks copied into ours, and their scalar maps written in terms of ours.

Hidden units of a peer's masked network are reordered so that their degrees rise, as ours do. Masked weights are copied
with the rest: that they have no effect is our masks' work.
"""

import math
from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from pushforward.bijectors import Bijector, Invert, ScalarMap
from pushforward.distributions import Flow, StandardNormal
from pushforward.nets import MADE, MLP
from pushforward.numerics import masks

MIN_BIN = MIN_SLOPE = 1e-3


class Translated(ScalarMap):
    """One of our maps, its parameters computed from a peer's."""

    elementwise: ClassVar[bool] = True

    map: ScalarMap
    translate: Callable = eqx.field(static=True)

    @property
    def num_params(self):
        return self.map.num_params

    def forward(self, params, x):
        return self.map.forward(self.translate(params), x)

    def inverse(self, params, y):
        return self.map.inverse(self.translate(params), y)


def softplus_to(value):
    """Parameter of ours that makes softplus(parameter + log(e - 1)) = value: a scale, one at parameter zero."""
    return jnp.log(jnp.expm1(value)) - math.log(math.expm1(1))


def slopes_to(value):
    """Parameters of our spline that give these inner slopes."""
    return jnp.log(jnp.expm1(value - MIN_SLOPE)) - math.log(math.expm1(1 - MIN_SLOPE))


def linears(saved, layer):
    """The (weight, bias, mask or None) of one layer's network."""
    count = sum(name.startswith(f"{layer}/") and name.endswith("/weight") for name in saved)
    count -= f"{layer}/context/weight" in saved
    return [
        (saved[f"{layer}/{k}/weight"], saved[f"{layer}/{k}/bias"], saved.get(f"{layer}/{k}/mask"))
        for k in range(count)
    ]


def parameters_first(rows, num_params):
    """Reorder outputs from one element's parameters after the other's to ours: first the first parameter of each."""
    return np.swapaxes(rows.reshape(-1, num_params, *rows.shape[1:]), 0, 1).reshape(rows.shape)


def made(saved, layer, features, num_params, context=0, order="sequential", told=None):
    """Our MADE with the weights of a layer; `told` is the matrix that adds a context to its first layer.

    Columns of the first weight beyond `features` are zuko's weights for the context. A peer that has no units which see
    the context alone has such units here, with weights zero.
    """
    layers = linears(saved, layer)
    features_seen = np.eye(layers[0][0].shape[1], dtype=bool)
    lowest = 0 if context else 1
    weights, biases, before = [], [], np.arange(layers[0][0].shape[1])
    pad_before = 0
    for weight, bias, mask in layers[:-1]:
        features_seen = (mask.astype(int) @ features_seen) > 0
        degrees = features_seen[:, :features].sum(axis=1)
        ascending = np.argsort(degrees, kind="stable")
        pad = len(degrees) // (features - 1) if context and degrees.min() > 0 else 0
        expected = masks.hidden_degrees(len(degrees) + pad, features, lowest=min(lowest, features - 1))
        np.testing.assert_array_equal(np.concatenate([np.zeros(pad), degrees[ascending]]), expected)
        weights.append(np.pad(weight[ascending][:, before], ((pad, 0), (pad_before, 0))))
        biases.append(np.pad(bias[ascending], (pad, 0)))
        before, pad_before = ascending, pad
        if told is not None and len(weights) == 1:
            told = np.pad(told[ascending], ((pad, 0), (0, 0)))
    weight, bias, _ = layers[-1]
    weights.append(np.pad(parameters_first(weight, num_params)[:, before], ((0, 0), (pad_before, 0))))
    biases.append(parameters_first(bias, num_params))
    if told is None and context:
        told = weights[0][:, features:]
    weights[0] = weights[0][:, :features]
    hidden = [len(bias) for bias in biases[:-1]]
    sizes = {"context_features": context, "hidden": hidden, "order": order}
    net = MADE(jr.key(0), features, num_params, **sizes)
    return filled(net, weights, biases, told)


def filled(net, weights, biases, told=None):
    """The network with these weights in its layers, and `told` as its first layer's weights for a context."""
    arrays = [jnp.asarray(array) for pair in zip(weights, biases, strict=True) for array in pair]
    where = [array for layer in net.layers for array in (layer.weight, layer.bias)]
    assert [array.shape for array in arrays] == [array.shape for array in where]
    net = eqx.tree_at(lambda n: [a for layer in n.layers for a in (layer.weight, layer.bias)], net, arrays)
    if told is None:
        return net
    return eqx.tree_at(lambda n: n.from_context[0].weight, net, jnp.asarray(told))


def mlp(saved, layer, known, num_params, context):
    """Our MLP with the weights of a coupling's network."""
    layers = linears(saved, layer)
    weights, biases = [weight for weight, _, _ in layers], [bias for _, bias, _ in layers]
    weights[-1], biases[-1] = (parameters_first(a[-1], num_params) for a in (weights, biases))
    hidden = [len(bias) for bias in biases[:-1]]
    net = MLP(jr.key(0), known, len(biases[-1]), context_features=context, hidden=hidden)
    return filled(net, weights, biases)


def check_against(saved, data_to_base: Bijector, context=None):
    """Compare log-densities, base points and samples, in float64, with a bound far below the issue's 1e-5."""
    flow = Flow(StandardNormal(data_to_base.in_shape), Invert(data_to_base))
    close = {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose(flow.log_prob(saved["x"], context), saved["log_prob"], **close)
    np.testing.assert_allclose(flow.to_base(saved["x"], context), saved["to_base"], **close)
    np.testing.assert_allclose(flow.to_data(saved["z"], context), saved["to_data"], **close)
    assert jax.config.jax_enable_x64
    assert np.abs(saved["to_base"]).max() < 1e3
