"""MADE: a masked network whose output for element i sees the elements before i alone, all at once or one by one."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from ..numerics import masks
from .mlp import ACTIVATIONS, Activation, bounded, check_net, drop, zeroed


class MADE(eqx.Module):
    """Masked network from `features` numbers to `num_params` parameters for each, autoregressive in their order.

    It has two faces. `net(x, context)` gives the parameters of all elements in one pass. `start` and `step` give them
    one element after the other, as the elements become known; every hidden unit is computed once, at the step where
    its last input arrives, so all steps together cost the arithmetic of about one pass. For that the units of each
    layer are sorted by degree.

    The last layer starts at zero, so that a flow made with it starts as its maps do at parameters zero.

    Args:
        key: for the initial weights.
        features: number of elements.
        num_params: parameters for each element.
        context_features: size of the context, which every output may depend on; 0 for none.
        hidden: sizes of the hidden layers, at least one.
        activation: as in `MLP`.
        dropout: probability with which a hidden unit is dropped while a key is given; in `net(x)` only.

    Reference: Germain et al. 2015, MADE, arXiv:1502.03509, eq. 7-9.
    """

    layers: tuple[eqx.nn.Linear, ...]
    from_context: eqx.nn.Linear | None
    features: int = eqx.field(static=True)
    num_params: int = eqx.field(static=True)
    context_features: int = eqx.field(static=True)
    activation: Activation = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

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
    ) -> None:
        check_net("MADE", activation, dropout)
        sizes = [features, *hidden, features * num_params]
        keys = jr.split(key, len(sizes))
        pairs = zip(sizes, sizes[1:], keys, strict=False)
        layers = [eqx.nn.Linear(n_in, n_out, key=k) for n_in, n_out, k in pairs]
        layers[-1] = zeroed(layers[-1])
        self.layers = tuple(layers)
        self.from_context = (
            eqx.nn.Linear(context_features, sizes[1], use_bias=False, key=keys[-1])
            if context_features
            else None
        )
        self.features = features
        self.num_params = num_params
        self.context_features = context_features
        self.activation = activation
        self.dropout = dropout

    def __call__(self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return the parameters of all elements.

        Args:
            x: shape (features,).
            context: shape (context_features,), or None if there is none.
            key: for dropout; none is applied without it.

        Returns:
            Shape (features, num_params); row i depends on x[:i] and the context alone.
        """
        values = bounded(x)
        for index, (weight, bias) in enumerate(zip(self._weights(), self._biases(), strict=True)):
            values = weight @ values + bias
            if index == 0:
                values = values + self._context_term(context)
            if index < len(self.layers) - 1:
                layer_key = None if key is None else jr.fold_in(key, index)
                values = drop(ACTIVATIONS[self.activation](values), self.dropout, layer_key)
        return values.reshape(self.features, self.num_params)

    def start(self, context: Array | None = None) -> tuple[Array, ...]:
        """Return the state before any element is known: sums of what each unit has received so far.

        Args:
            context: shape (context_features,), or None if there is none.
        """
        sums = self._biases()
        sums[0] = sums[0] + self._context_term(context)
        return tuple(sums)

    def step(
        self, state: tuple[Array, ...], index: Array | int, before: Array
    ) -> tuple[tuple[Array, ...], Array]:
        """Take in one element and return the parameters of the next.

        Args:
            state: as `start` or the step before returned it.
            index: whose parameters are asked for; the steps go 0, 1, ... features - 1.
            before: the element index - 1, shape (); ignored at index 0.

        Returns:
            The next state, and the parameters of element `index`, shape (num_params,).
        """
        sums, weights = list(state), self._weights()
        arrived = jnp.where(index > 0, bounded(before), 0.0)
        sums[0] = sums[0] + weights[0][:, jnp.maximum(index - 1, 0)] * arrived
        for layer, (units, counts) in enumerate(self._blocks()):
            # The units of degree `index` have all their inputs now: they fire, and the next layer takes them in.
            mine, valid = jnp.asarray(units)[index], jnp.asarray(counts)[index]
            fired = jnp.where(valid, ACTIVATIONS[self.activation](sums[layer][mine]), 0.0)
            sums[layer + 1] = sums[layer + 1] + weights[layer + 1][:, mine] @ fired
        params = jax.lax.dynamic_slice_in_dim(sums[-1], index * self.num_params, self.num_params)
        return tuple(sums), params

    def _weights(self) -> list[Array]:
        """The weights with the forbidden connections at zero."""
        return [
            jnp.where(jnp.asarray(mask), layer.weight, 0.0)
            for layer, mask in zip(self.layers, self._masks(), strict=True)
        ]

    def _biases(self) -> list[Array]:
        return [layer.bias for layer in self.layers if layer.bias is not None]

    def _masks(self) -> list[np.ndarray]:
        """Which input each unit may see: hidden units those of at most their degree, outputs of less than theirs."""
        inputs = np.arange(1, self.features + 1)
        hidden = self._degrees()
        outputs = np.repeat(inputs, self.num_params)
        ends = zip(hidden, [inputs, *hidden], strict=False)
        return [above[:, None] >= below for above, below in ends] + [outputs[:, None] > hidden[-1]]

    def _degrees(self) -> list[np.ndarray]:
        lowest = 0 if self.context_features else 1
        sizes = [layer.weight.shape[0] for layer in self.layers[:-1]]
        return [masks.hidden_degrees(size, self.features, lowest=lowest) for size in sizes]

    def _blocks(self) -> list[tuple[np.ndarray, np.ndarray]]:
        return [masks.blocks(degrees, self.features) for degrees in self._degrees()]

    def _context_term(self, context: Array | None) -> Array | float:
        return (
            0.0
            if self.from_context is None or context is None
            else self.from_context(bounded(context).reshape(-1))
        )
