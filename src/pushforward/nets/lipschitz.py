"""Networks that are contractions in their input, whatever their parameters."""

from collections.abc import Sequence
from typing import Literal, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError
from ..numerics.lipschitz import lip_swish, spectral_norm_bound
from ..numerics.quick import split
from .mlp import bounded, check_net_context, new_linear, zeroed

LipschitzActivation = Literal["lip_swish", "elu"]
_ACTIVATIONS = ("lip_swish", "elu")


class Contraction(Protocol):
    """What a `Residual` layer asks of its network."""

    @property
    def features(self) -> int:
        """Size of x and of the output."""
        ...

    @property
    def lipschitz(self) -> float:
        """A number below 1 with |net(x) - net(x')| <= lipschitz |x - x'| in the Euclidean norm, at any parameters."""
        ...

    def prepared(self) -> "Contraction":
        """Return a network of the same values in which nothing is left to do that does not depend on the event."""
        ...

    def __call__(self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return the output, of x's shape."""
        ...


class LipschitzMLP(eqx.Module):
    """Fully connected network whose Lipschitz constant in x is at most `lipschitz`, whatever its parameters.

    Activations have slopes within [-1, 1]. Each of the n weights W acts as W / max(1, s / c), where s bounds its
    largest singular value from above (`numerics.lipschitz.spectral_norm_bound`) and c = lipschitz^(1 / n); the product
    of n norms of at most c is at most `lipschitz`. Beyond 1e6 x is squeezed, as in all networks here, with a slope
    below 1. The context enters every layer through weights of its own, beside the bias, which are not bounded: it
    moves the function, and the bound in x stays.

    The last layer starts at zero. The bounds do not depend on the event: for a batch they are worked out once.

    Args:
        key: for the initial weights.
        features: size of x and of the output.
        context_features: size of the context; 0 for none.
        hidden: sizes of the hidden layers; empty for an affine map.
        activation: "lip_swish" with a trained sharpness for every hidden layer, or "elu", whose second derivative
            is zero for positive numbers, so that the gradient of a log-determinant is poorer.
        lipschitz: the bound, between 0 and 1.

    Raises:
        ConfigError: if the activation is unknown, or `lipschitz` is not between 0 and 1.

    Accuracy: tests/nets/test_lipschitz.py::test_no_jacobian_exceeds_the_bound.
    Reference: Behrmann et al. 2019, i-ResNet, arXiv:1811.00995, section 2.1; Chen et al. 2019, Residual Flows,
        arXiv:1906.02735, section 3.3 and appendix D.
    """

    layers: tuple[eqx.nn.Linear, ...]
    from_context: tuple[eqx.nn.Linear, ...]
    sharpness: Array | None
    features: int = eqx.field(static=True)
    context_features: int = eqx.field(static=True)
    activation: LipschitzActivation = eqx.field(static=True)
    lipschitz: float = eqx.field(static=True)

    def __init__(
        self,
        key: PRNGKeyArray,
        features: int,
        *,
        context_features: int = 0,
        hidden: Sequence[int] = (128, 128),
        activation: LipschitzActivation = "lip_swish",
        lipschitz: float = 0.97,
    ) -> None:
        if activation not in _ACTIVATIONS:
            raise ConfigError(
                f"LipschitzMLP: expected activation {', '.join(_ACTIVATIONS)}, got {activation!r}."
            )
        check_lipschitz("LipschitzMLP", lipschitz)
        sizes = [features, *hidden, features]
        keys = split(key, 2 * (len(sizes) - 1))
        layers = [
            new_linear(n_in, n_out, key=k) for n_in, n_out, k in zip(sizes, sizes[1:], keys, strict=False)
        ]
        layers[-1] = zeroed(layers[-1])
        self.layers = tuple(layers)
        self.from_context = tuple(
            new_linear(context_features, n_out, use_bias=False, key=k)
            for n_out, k in zip(sizes[1:], keys[len(layers) :] if context_features else [], strict=False)
        )
        if context_features:
            self.from_context = (*self.from_context[:-1], zeroed(self.from_context[-1]))
        # softplus(0.54) = 1: the activation starts as x sigmoid(x) / 1.1.
        self.sharpness = jnp.full(len(hidden), 0.54) if activation == "lip_swish" else None
        self.features = features
        self.context_features = context_features
        self.activation = activation
        self.lipschitz = float(lipschitz)

    def prepared(self) -> "ScaledMLP":
        """Return the network with its weights scaled to their bounds: the same values, and nothing left to scale."""
        share = self.lipschitz ** (1 / len(self.layers))
        weights = tuple(
            layer.weight / jnp.maximum(1, spectral_norm_bound(layer.weight) / share) for layer in self.layers
        )
        biases = tuple(layer.bias for layer in self.layers if layer.bias is not None)
        from_context = tuple(layer.weight for layer in self.from_context)
        return ScaledMLP(weights, biases, from_context, self.sharpness, self.lipschitz)

    def __call__(self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return the output, shape (features,).

        Args:
            x: shape (features,), or any other with as many elements.
            context: shape (context_features,), or None if there is none.
            key: has no meaning: there is no dropout, which would change the map between its two directions.

        Raises:
            ShapeError: if a context is missing or superfluous, or has another size.
        """
        check_net_context("LipschitzMLP", context, self.context_features)
        return self.prepared()(x, context, key=key)


class ScaledMLP(eqx.Module):
    """A `LipschitzMLP` at work, with weights as they act.

    Attributes:
        weights: of the layers, shapes (out, in), spectral norms of at most lipschitz^(1 / number of layers).
        biases: of the layers, shapes (out,).
        from_context: weights of the context, shapes (out, context_features); empty for none.
        sharpness: of the activations "lip_swish", shape (hidden layers,); None for "elu".
        lipschitz: the bound of the whole.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    from_context: tuple[Array, ...]
    sharpness: Array | None
    lipschitz: float = eqx.field(static=True)

    @property
    def features(self) -> int:
        """Size of x and of the output."""
        return self.weights[0].shape[1]

    def prepared(self) -> "ScaledMLP":
        """Return the network itself."""
        return self

    def __call__(self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return the output; see `LipschitzMLP`."""
        del key
        condition = None if context is None else bounded(context.reshape(-1))
        values = bounded(x.reshape(-1))
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if index:
                values = self._activated(index - 1, values)
            values = _product(weight, values) + bias
            if condition is not None:
                values = values + _product(self.from_context[index], condition)
        return values

    def _activated(self, index: int, values: Array) -> Array:
        return jax.nn.elu(values) if self.sharpness is None else lip_swish(values, self.sharpness[index])


def check_lipschitz(who: str, lipschitz: float) -> None:
    """Raise a ConfigError unless the number lies between 0 and 1."""
    if isinstance(lipschitz, bool) or not isinstance(lipschitz, int | float) or not 0 < lipschitz < 1:
        raise ConfigError(f"{who}: expected lipschitz between 0 and 1, got {lipschitz!r}.")


def _product(weight: Array, values: Array) -> Array:
    """Return weight @ values. Batches come first, unlike in other nets: a Jacobian's columns are a second batch."""
    # Whatever the user has set: the inverse is a fixed point of what is computed here, found to rounding.
    return jnp.matmul(weight, values, precision=jax.lax.Precision.HIGHEST)
