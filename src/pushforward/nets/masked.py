"""MADE: a masked network whose parameters for an element see the elements before it alone, at once or in turn."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..errors import ConfigError, ShapeError
from ..numerics import masks
from ..numerics.batching import reshaped
from ..numerics.products import Steps
from ..numerics.quick import split
from .mlp import (
    Activation,
    activated,
    affine,
    bounded,
    check_net,
    check_net_context,
    drop,
    new_linear,
    zeroed,
)
from .turns import Find, Sorted, take_turns

Order = Literal["sequential", "reversed", "random"]


class MADE(eqx.Module):
    """Masked network from `features` numbers to `num_params` parameters for each, autoregressive in an order.

    It has two faces. `net(x, context)` gives the parameters of all elements in one pass. `net.in_turn(find, targets,
    context)` gives them one element after the other, as the elements become known; every hidden unit is computed
    once, when its last input arrives, so all turns together cost about the arithmetic of one pass. For that the units
    of each layer are sorted by degree: by how many elements they see.

    The last layer starts at zero, so that a flow made with it starts as its maps do at parameters zero.

    Args:
        key: for the initial weights, and a random order.
        features: number of elements.
        num_params: parameters for each element.
        context_features: size of the context, which every output may depend on; 0 for none.
        hidden: sizes of the hidden layers, at least one. With `residual`, widths of the blocks, all equal.
        activation: as in `MLP`.
        dropout: probability with which a hidden unit is dropped while a key is given; in `net(x)` only.
        order: in which the elements come: "sequential", "reversed", "random", or a permutation of 0 ... features - 1:
            the first entry is the element that sees nothing. It is kept as an array, so layers that are stacked may
            have different ones, unless it is "sequential".
        residual: blocks h <- h + W2 drop(act(W1 act(h) + C context)) instead of plain layers.
        direct: adds a masked linear map from the elements straight to the output.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Germain et al. 2015, MADE, arXiv:1502.03509, eq. 7-11 and section 4; residual blocks as in Nash and
        Durkan 2019, Autoregressive Energy Machines, arXiv:1904.05626, section 3.2.
    """

    layers: tuple[eqx.nn.Linear, ...]
    from_context: tuple[eqx.nn.Linear | None, ...]
    order: Array | None
    features: int = eqx.field(static=True)
    num_params: int = eqx.field(static=True)
    context_features: int = eqx.field(static=True)
    activation: Activation = eqx.field(static=True)
    dropout: float = eqx.field(static=True)
    residual: bool = eqx.field(static=True)
    direct: bool = eqx.field(static=True)

    def __init__(
        self,
        key: PRNGKeyArray,
        features: int,
        num_params: int,
        *,
        context_features: int = 0,
        hidden: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        dropout: float = 0.0,
        order: Order | ArrayLike = "sequential",
        residual: bool = False,
        direct: bool = False,
    ) -> None:
        check_net("MADE", activation, dropout)
        if not hidden or (residual and len(set(hidden)) > 1):
            raise ConfigError(
                f"MADE: expected at least one hidden layer, of one width if residual, got hidden={tuple(hidden)}."
            )
        widths = [w for width in hidden for w in (width, width)] + [hidden[0]] if residual else hidden
        sizes = [features, *widths, features * num_params]
        pairs = [*pairwise(sizes), *[(features, sizes[-1])] * direct]
        keys = split(key, 2 * len(pairs) + 1)
        layers = [
            new_linear(n, m, use_bias=i < len(sizes) - 1, key=keys[i]) for i, (n, m) in enumerate(pairs)
        ]
        last = len(sizes) - 2
        self.layers = tuple(zeroed(layer) if i >= last else layer for i, layer in enumerate(layers))
        told = {i for i in range(last) if i == 0 or (residual and i % 2)} if context_features else set()
        self.from_context = tuple(
            new_linear(context_features, m, use_bias=False, key=keys[len(pairs) + i]) if i in told else None
            for i, (_, m) in enumerate(pairs)
        )
        self.order = _order(order, features, keys[-1])
        self.features = features
        self.num_params = num_params
        self.context_features = context_features
        self.activation = activation
        self.dropout = dropout
        self.residual = residual
        self.direct = direct

    def __call__(self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return the parameters of all elements.

        Args:
            x: shape (features,).
            context: shape (context_features,), or None if there is none.
            key: for dropout; none is applied without it.

        Returns:
            Shape (num_params, features); the column of an element depends on the context and on the elements before it
            in the order.

        Raises:
            ShapeError: if a context is missing or superfluous, or has another size.
        """
        biases = self._biases(context)

        def linear(index: int, values: Array) -> Array:
            mask, (steps, groups) = self._mask(index), self._staircase(index)

            def masked(weight: Array, bias: Array | None, values: Array) -> Array:
                return affine(jnp.where(mask, weight, 0.0), bias, values, steps=steps, groups=groups)

            # The gradient masks again: kept for it, masked weights of stacked layers were copied to and fro, a fifth of
            # the time at 21 features and at 784.
            return jax.checkpoint(masked, prevent_cse=False)(self.layers[index].weight, biases[index], values)

        def dropped(index: int, values: Array) -> Array:
            return drop(values, self.dropout, None if key is None else jr.fold_in(key, index))

        return reshaped(self._body(linear, bounded(x), dropped), shape=(self.num_params, self.features))

    def in_turn(
        self,
        find: Find,
        targets: Array,
        context: Array | None = None,
    ) -> tuple[Array, Any]:
        """Find every element from its parameters and a target, in their order: each decides those after it.

        Args:
            find: from parameters of shape (num_params, n) and targets of shape (n,), or (k, n), to elements, shape
                (n,), and other numbers for each, an array or several.
            targets: shape (features, n): n events at once, each in a column; or (features, k, n) if an element takes k
                numbers to be found.
            context: shape (context_features, n), or None if there is none.

        Returns:
            The elements, shape (features, n), and the other numbers, with the elements as their first axis.

        Raises:
            ShapeError: if the contexts are missing or superfluous, or have another size.
        """
        biases = jax.vmap(self._biases, in_axes=-1, out_axes=-1)(context) if self.context_features else None
        layers = [self._sorted(i, None if biases is None else biases[i]) for i in range(len(self.layers))]
        order = slice(None) if self.order is None else self.order
        found, others = take_turns(
            lambda linear, x: self._body(linear, bounded(x)), layers, find, targets[order]
        )
        back = slice(None) if self.order is None else jnp.argsort(self.order)
        return found[back], jax.tree.map(lambda part: part[back], others)

    def _body(
        self,
        linear: Callable[[int, Array], Array],
        x: Array,
        dropped: Callable[[int, Array], Array] = lambda index, values: values,
    ) -> Array:
        """The network, given what applies its layer i to values: all of them, or one turn's."""
        last = len(self.layers) - 1 - self.direct
        values = linear(0, x)
        if self.residual:
            for i in range(1, last, 2):
                inner = linear(i, activated(values, name=self.activation))
                values = values + linear(i + 1, dropped(i, activated(inner, name=self.activation)))
            values = activated(values, name=self.activation)
        else:
            values = dropped(0, activated(values, name=self.activation))
            for i in range(1, last):
                values = dropped(i, activated(linear(i, values), name=self.activation))
        out = linear(last, values)
        return out + linear(last + 1, x) if self.direct else out

    def _sorted(self, index: int, biases: Array | None) -> Sorted:
        """Return a layer with its units sorted by turn; biases of shape (units, n) replace its own."""
        weight, bias = self.layers[index].weight, self._bias(index)[:, None] if biases is None else biases
        order = slice(None) if self.order is None else self.order
        units, inputs = weight.shape
        turns = np.arange(self.features)
        if self._from_input(index):  # an element arrives in the turn after its own
            weight, columns = weight[:, order], turns + 1
        else:
            columns = self._degrees(inputs)
        if index < len(self.layers) - 1 - self.direct:
            return Sorted(weight, bias, self._degrees(units), columns)
        weight, bias = (
            jnp.swapaxes(a.reshape(self.num_params, self.features, -1)[:, order], 0, 1).reshape(units, -1)
            for a in (weight, bias)
        )
        return Sorted(weight, bias, np.repeat(turns, self.num_params), columns)

    def _mask(self, index: int) -> Array | np.ndarray:
        """Which inputs each output of a layer may see: hidden units those of at most their degree, outputs of less."""
        units, inputs = self.layers[index].weight.shape
        positions = np.arange(self.features) if self.order is None else jnp.argsort(self.order)
        below = positions + 1 if self._from_input(index) else self._degrees(inputs)
        if index >= len(self.layers) - 1 - self.direct:
            library = np if self.order is None else jnp
            return library.tile(positions + 1, self.num_params)[:, None] > below
        return self._degrees(units)[:, None] >= below

    def _staircase(self, index: int) -> tuple[Steps | None, int]:
        """Return the steps of a layer's mask, as units are sorted by degree, and its groups; None if it has no such."""
        units, inputs = self.layers[index].weight.shape
        if self._from_input(index):
            return None, 1
        below = self._degrees(inputs)
        if index < len(self.layers) - 1 - self.direct:
            return masks.staircase(self._degrees(units), below), 1
        if self.order is not None:  # then the order is known at run time only
            return None, 1
        # An output sees the units of lower degree than its element's place, counted from 1.
        return masks.staircase(np.arange(self.features), below, times=self.num_params), self.num_params

    def _from_input(self, index: int) -> bool:
        return index == 0 or (self.direct and index == len(self.layers) - 1)

    def _degrees(self, size: int) -> np.ndarray:
        return masks.hidden_degrees(size, self.features, lowest=0 if self.context_features else 1)

    def _bias(self, index: int) -> Array:
        layer = self.layers[index]
        return jnp.zeros(layer.weight.shape[0], layer.weight.dtype) if layer.bias is None else layer.bias

    def _biases(self, context: Array | None) -> list[Array]:
        """Return what is added in each layer: its bias and what the context says."""
        check_net_context("MADE", context, self.context_features)
        told = [
            None
            if layer is None or context is None
            else affine(layer.weight, None, bounded(context.reshape(-1)))
            for layer in self.from_context
        ]
        return [self._bias(i) if term is None else self._bias(i) + term for i, term in enumerate(told)]


def _order(order: Order | ArrayLike, features: int, key: PRNGKeyArray) -> Array | None:
    if isinstance(order, str):
        known = {
            "sequential": lambda: None,
            "reversed": lambda: jnp.arange(features)[::-1],
            "random": lambda: jr.permutation(key, features),
        }
        if order not in known:
            raise ConfigError(f"MADE: expected order {', '.join(known)} or a permutation, got {order!r}.")
        return known[order]()
    given = np.asarray(order)
    if given.shape != (features,):
        raise ShapeError(f"MADE: expected an order of shape ({features},), got shape {given.shape}.")
    if sorted(given.tolist()) != list(range(features)):
        raise ConfigError(
            f"MADE: expected an order that is a permutation of 0 ... {features - 1}, got {given}."
        )
    return jnp.asarray(given, dtype=int)
