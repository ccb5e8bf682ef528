"""A network of time, state and context: the velocity of a continuous flow."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError
from ..numerics.quick import split
from .mlp import activated, apply, bounded, check_net_context, new_linear, zeroed

Smooth = Literal["tanh", "softplus", "silu", "gelu"]
SMOOTH: tuple[Smooth, ...] = ("tanh", "softplus", "silu", "gelu")
"""Activations with continuous derivatives of any order, as the divergence of a velocity and its gradient need them."""


class TimeMLP(eqx.Module):
    """Fully connected network from a time, a vector and a context to a vector of the same size.

    Time and context c = (t, context) enter every layer as a gate and a shift:
    h <- act((W h + b) * sigmoid(G c + g) + S c), without the activation in the last layer. The velocity is then smooth
    in t and x, and its size can change with time.

    The last layer starts at zero, so that a flow made with it starts as the identity.

    Args:
        key: for the initial weights.
        features: size of x and of the output.
        context_features: size of the context; 0 for none.
        hidden: sizes of the hidden layers; empty for a velocity that is affine in x.
        activation: tanh, softplus, silu or gelu. With tanh the velocity is bounded, with the others it grows at most
            linearly, and beyond +-1e6 logarithmically, so that no solution leaves the floats' range in finite time.

    Raises:
        ConfigError: if the activation is another one.

    Reference: the layers of Grathwohl et al. 2019, FFJORD, arXiv:1810.01367, called "concatsquash" in their code.
    """

    layers: tuple[eqx.nn.Linear, ...]
    gates: tuple[eqx.nn.Linear, ...]
    shifts: tuple[eqx.nn.Linear, ...]
    activation: Smooth = eqx.field(static=True)
    context_features: int = eqx.field(static=True)

    def __init__(
        self,
        key: PRNGKeyArray,
        features: int,
        *,
        context_features: int = 0,
        hidden: Sequence[int] = (64, 64),
        activation: Smooth = "tanh",
    ) -> None:
        if activation not in SMOOTH:
            raise ConfigError(f"TimeMLP: expected activation {', '.join(SMOOTH)}, got {activation!r}.")
        sizes = [features, *hidden, features]
        count, told = len(sizes) - 1, 1 + context_features
        keys = split(key, 3 * count)
        layers = [new_linear(n, m, key=keys[i]) for i, (n, m) in enumerate(pairwise(sizes))]
        shifts = [
            new_linear(told, m, use_bias=False, key=k)
            for m, k in zip(sizes[1:], keys[count : 2 * count], strict=True)
        ]
        self.gates = tuple(
            new_linear(told, m, key=k) for m, k in zip(sizes[1:], keys[2 * count :], strict=True)
        )
        self.layers = (*layers[:-1], zeroed(layers[-1]))
        self.shifts = (*shifts[:-1], zeroed(shifts[-1]))
        self.activation = activation
        self.context_features = context_features

    def __call__(self, t: Array, x: Array, context: Array | None = None) -> Array:
        """Return the output, shape (features,).

        Args:
            t: the time, shape ().
            x: shape (features,).
            context: shape (context_features,), or None if there is none.

        Raises:
            ShapeError: if a context is missing or superfluous, or has another size.
        """
        check_net_context("TimeMLP", context, self.context_features)
        told = jnp.reshape(t, (1,))
        told = told if context is None else jnp.concatenate([told, bounded(context.reshape(-1))])
        values = bounded(x)
        for index, (layer, gate, shift) in enumerate(zip(self.layers, self.gates, self.shifts, strict=True)):
            if index:
                values = activated(values, name=self.activation)
            values = apply(layer, values) * jax.nn.sigmoid(apply(gate, told)) + apply(shift, told)
        return values
