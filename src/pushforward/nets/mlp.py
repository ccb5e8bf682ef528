"""Fully connected conditioners: MLP and ResidualMLP, with context and dropout."""

import functools
from collections.abc import Callable, Sequence
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError, ShapeError
from ..numerics.batching import batch_last
from ..numerics.products import Steps, staircase
from ..numerics.quick import quickly, split

Activation = Literal["relu", "tanh", "silu", "gelu", "elu", "leaky_relu", "softplus"]
ACTIVATIONS: dict[str, Callable] = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "silu": jax.nn.silu,
    "gelu": jax.nn.gelu,
    "elu": jax.nn.elu,
    "leaky_relu": jax.nn.leaky_relu,
    "softplus": jax.nn.softplus,
}

LARGEST_INPUT = 1e6
"""Beyond it networks see inputs logarithmically: still different, and safe from overflow."""


class MLP(eqx.Module):
    """Fully connected network from a vector, and a context vector beside it, to a vector.

    The last layer starts at zero, so that a flow made with it starts as its maps do at parameters zero.

    Args:
        key: for the initial weights.
        in_features: size of x.
        out_features: size of the output.
        context_features: size of the context; 0 for none.
        hidden: sizes of the hidden layers; empty for an affine map.
        activation: relu, tanh, silu, gelu, elu, leaky_relu or softplus.
        dropout: probability with which a hidden unit is dropped while a key is given.
    """

    layers: tuple[eqx.nn.Linear, ...]
    activation: Activation = eqx.field(static=True)
    dropout: float = eqx.field(static=True)
    context_features: int = eqx.field(static=True)

    def __init__(
        self,
        key: PRNGKeyArray,
        in_features: int,
        out_features: int,
        *,
        context_features: int = 0,
        hidden: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        dropout: float = 0.0,
    ) -> None:
        check_net("MLP", activation, dropout)
        sizes = [in_features + context_features, *hidden, out_features]
        keys = split(key, len(sizes) - 1)
        layers = [
            new_linear(n_in, n_out, key=k) for n_in, n_out, k in zip(sizes, sizes[1:], keys, strict=False)
        ]
        layers[-1] = zeroed(layers[-1])
        self.layers = tuple(layers)
        self.activation = activation
        self.dropout = dropout
        self.context_features = context_features

    def __call__(self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return the output, shape (out_features,).

        Args:
            x: shape (in_features,).
            context: shape (context_features,), or None if there is none.
            key: for dropout; none is applied without it.

        Raises:
            ShapeError: if a context is missing or superfluous, or has another size.
        """
        check_net_context("MLP", context, self.context_features)
        values = joined(x, context)
        keys = [None] * len(self.layers) if key is None else jr.split(key, len(self.layers))
        for layer, layer_key in zip(self.layers[:-1], keys, strict=False):
            values = drop(activated(apply(layer, values), name=self.activation), self.dropout, layer_key)
        return apply(self.layers[-1], values)


class ResidualMLP(eqx.Module):
    """Residual network of pre-activation blocks: h <- h + W2 drop(act(W1 act(h) + C context)).

    The last layer starts at zero, so that a flow made with it starts as its maps do at parameters zero.

    Args:
        key: for the initial weights.
        in_features: size of x.
        out_features: size of the output.
        context_features: size of the context; 0 for none. It enters beside x and again in every block.
        hidden: width of the residual stream.
        blocks: number of blocks.
        activation: relu, tanh, silu, gelu, elu, leaky_relu or softplus.
        dropout: probability with which a unit inside a block is dropped while a key is given.

    Reference: Durkan et al. 2019, arXiv:1906.04032, appendix B.1, after He et al. 2016, arXiv:1603.05027.
    """

    first: eqx.nn.Linear
    inner: tuple[eqx.nn.Linear, ...]
    outer: tuple[eqx.nn.Linear, ...]
    from_context: tuple[eqx.nn.Linear, ...]
    last: eqx.nn.Linear
    activation: Activation = eqx.field(static=True)
    dropout: float = eqx.field(static=True)
    context_features: int = eqx.field(static=True)

    def __init__(
        self,
        key: PRNGKeyArray,
        in_features: int,
        out_features: int,
        *,
        context_features: int = 0,
        hidden: int = 128,
        blocks: int = 2,
        activation: Activation = "relu",
        dropout: float = 0.0,
    ) -> None:
        check_net("ResidualMLP", activation, dropout)
        keys = split(key, 2 + 3 * blocks)
        self.first = new_linear(in_features + context_features, hidden, key=keys[0])
        self.last = zeroed(new_linear(hidden, out_features, key=keys[1]))
        self.inner = tuple(new_linear(hidden, hidden, key=k) for k in keys[2 : 2 + blocks])
        self.outer = tuple(new_linear(hidden, hidden, key=k) for k in keys[2 + blocks : 2 + 2 * blocks])
        self.from_context = tuple(
            new_linear(context_features, hidden, use_bias=False, key=k)
            for k in (keys[2 + 2 * blocks :] if context_features else [])
        )
        self.activation = activation
        self.dropout = dropout
        self.context_features = context_features

    def __call__(self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return the output, shape (out_features,).

        Args:
            x: shape (in_features,).
            context: shape (context_features,), or None if there is none.
            key: for dropout; none is applied without it.

        Raises:
            ShapeError: if a context is missing or superfluous, or has another size.
        """
        check_net_context("ResidualMLP", context, self.context_features)
        act = functools.partial(activated, name=self.activation)
        stream = apply(self.first, joined(x, context))
        keys = [None] * len(self.inner) if key is None else jr.split(key, len(self.inner))
        for index, (inner, outer) in enumerate(zip(self.inner, self.outer, strict=True)):
            middle = apply(inner, act(stream))
            if context is not None:
                middle = middle + apply(self.from_context[index], bounded(context.reshape(-1)))
            stream = stream + apply(outer, drop(act(middle), self.dropout, keys[index]))
        return apply(self.last, act(stream))


@quickly
def new_linear(
    in_features: int, out_features: int, *, use_bias: bool = True, key: PRNGKeyArray
) -> eqx.nn.Linear:
    """Return Equinox's linear layer: weights and bias uniform within +-1 / sqrt(in_features)."""
    return eqx.nn.Linear(in_features, out_features, use_bias=use_bias, key=key)


def zeroed(layer: eqx.nn.Linear) -> eqx.nn.Linear:
    """Return the layer with weights and bias zero."""
    return jax.tree.map(jnp.zeros_like, layer)


def bounded(x: Array) -> Array:
    """Return x, squeezed beyond +-LARGEST_INPUT so that no input makes a network overflow to inf - inf.

    There |x| becomes LARGEST_INPUT * (1 + log(|x| / LARGEST_INPUT)), below 1e9 in every float type:
    continuous with its slope, and still increasing, so that a condition like a time stamp is not lost.
    Infinity counts as the largest float; NaN stays NaN.
    """
    size = jnp.minimum(jnp.abs(x), jnp.finfo(x.dtype).max)
    far = size > LARGEST_INPUT
    squeezed = LARGEST_INPUT * (1 + jnp.log(jnp.where(far, size, LARGEST_INPUT) / LARGEST_INPUT))
    return jnp.where(far, jnp.sign(x) * squeezed, x)


def joined(x: Array, context: Array | None) -> Array:
    """Return x with the context's elements behind it, all of them bounded."""
    return bounded(x if context is None else jnp.concatenate([x, context.reshape(-1)]))


def drop(values: Array, rate: float, key: PRNGKeyArray | None) -> Array:
    """Zero each value with probability `rate` and scale the rest by 1 / (1 - rate); nothing without a key."""
    if key is None or rate == 0:
        return values
    return _kept(jr.bernoulli(key, 1 - rate, values.shape), values / (1 - rate))


def _keep(kept: Array, values: Array) -> Array:
    return jnp.where(kept, values, 0.0)


_kept = batch_last(_keep, carried=(0, 1))


def apply(layer: eqx.nn.Linear, values: Array) -> Array:
    """Return weight @ values + bias; batches stay in the last place."""
    return affine(layer.weight, layer.bias, values)


def affine(
    weight: Array, bias: Array | None, values: Array, *, steps: Steps | None = None, groups: int = 1
) -> Array:
    """Return weight @ values + bias, shape (out,) from (out, in), (out,) and (in,); batches stay in the last place.

    A weight that is zero to the right of a staircase may say so by its `steps` and `groups`, see
    `numerics.products.staircase`.
    """
    rows, columns = weight.shape
    steps = steps or ((rows, columns),)
    if bias is None:
        return _product(weight, values, steps=steps, groups=groups)
    return _affine(weight, bias, values, steps=steps, groups=groups)


def _multiply(weight: Array, values: Array, *, steps: Steps, groups: int) -> Array:
    return staircase(weight, values, steps=steps, groups=groups)


def _multiply_add(weight: Array, bias: Array, values: Array, *, steps: Steps, groups: int) -> Array:
    return staircase(weight, values, steps=steps, groups=groups) + bias.reshape(
        bias.shape + (1,) * (values.ndim - bias.ndim)
    )


def _activate(values: Array, *, name: str) -> Array:
    return ACTIVATIONS[name](values)


activated = batch_last(_activate, carried=(0,))
_product, _affine = batch_last(_multiply, carried=(1,)), batch_last(_multiply_add, carried=(1, 2))


def check_net(who: str, activation: str, dropout: float) -> None:
    """Raise a ConfigError unless the activation is known and the dropout a probability below 1."""
    if activation not in ACTIVATIONS:
        raise ConfigError(f"{who}: expected activation {', '.join(ACTIVATIONS)}, got {activation!r}.")
    if not 0 <= dropout < 1:
        raise ConfigError(f"{who}: expected dropout in [0, 1), got {dropout}.")


def check_net_context(who: str, context: Array | None, features: int) -> None:
    """Raise a ShapeError unless a context of as many elements is given, or none if that is 0."""
    given = 0 if context is None else context.size
    if given != features:
        raise ShapeError(f"{who}: expected a context of {features} elements, got {given}.")
