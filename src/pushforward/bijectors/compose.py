"""Bijectors made of bijectors: Chain, Stack and Invert."""

from collections.abc import Iterator, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError, ShapeError
from ..numerics.quick import quickly
from .base import Bijector, Cheap, merge_context_shapes
from .passing import Loop, chained, checked_memory, stacked
from .reversible import Memory, Method

_OPPOSITE: dict[Cheap, Cheap] = {
    "both": "both",
    "forward": "inverse",
    "inverse": "forward",
    "neither": "neither",
}


class Chain(Bijector):
    """The composition of bijectors in sampling order: y = f_n(... f_2(f_1(x))).

    Args:
        bijectors: the maps, the one next to the base first. Those that take a context must agree on its
            shape; it is passed to them and to no other.
        memory: see `Stack`.

    Raises:
        ConfigError: if the list is empty, or the memory unknown or "constant" with a `BatchNorm`.
        ShapeError: if one map's output is not the next one's input, or two expect different contexts.
    """

    bijectors: tuple[Bijector, ...]
    memory: Memory = eqx.field(static=True)

    def __init__(self, bijectors: Sequence[Bijector], *, memory: Memory = "store") -> None:
        self.bijectors = tuple(bijectors)
        self.memory = checked_memory("Chain", memory, self.bijectors)
        if not self.bijectors:
            raise ConfigError("Chain: expected at least one bijector, got an empty list.")
        for index, (first, second) in enumerate(zip(self.bijectors, self.bijectors[1:], strict=False)):
            if first.out_shape != second.in_shape:
                raise ShapeError(
                    f"Chain: bijectors[{index + 1}] ({type(second).__name__}) expects events of shape "
                    f"{second.in_shape}, but bijectors[{index}] ({type(first).__name__}) gives "
                    f"{first.out_shape}."
                )
        merge_context_shapes("Chain", [part.context_shape for part in self.bijectors])

    @property
    def in_shape(self) -> tuple[int, ...]:
        """Shape of x: the first map's."""
        return self.bijectors[0].in_shape

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y: the last map's."""
        return self.bijectors[-1].out_shape

    @property
    def context_shape(self) -> tuple[int, ...] | None:
        """The shape that the parts agree on, or None if none takes a context."""
        return merge_context_shapes("Chain", [part.context_shape for part in self.bijectors])

    @property
    def cheap(self) -> Cheap:
        """The direction that is cheap in every part."""
        sides: set[Cheap] = {part.cheap for part in self.bijectors if part.cheap != "both"}
        if not sides:
            return "both"
        return sides.pop() if len(sides) == 1 else "neither"

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Apply the parts first to last; see `Bijector`."""
        return chained(self.bijectors, "forward_and_log_det", x, context, key, self.memory)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Invert the parts last to first; see `Bijector`."""
        return chained(self.bijectors, "inverse_and_log_det", y, context, key, self.memory)

    def __getitem__(self, index: int) -> Bijector:
        return self.bijectors[index]

    def __len__(self) -> int:
        return len(self.bijectors)

    def __iter__(self) -> Iterator[Bijector]:
        return iter(self.bijectors)


_SMALL = 2048
"""Numbers up to which a layer's array, like a bias, reaches it by turning the stack rather than by index.

Where the compiler for CPUs fuses a bias with what comes after it, a load at an index that changes from turn to turn
keeps the whole loop from being vectorised. An array that is turned is always read at the same place.
"""


class Stack(Bijector):
    """Layers of one structure with stacked parameters, applied by `jax.lax.scan`.

    The compiled program holds one layer, so compile time does not grow with depth. Permutations are arrays,
    so they may differ from layer to layer; the mask of a coupling is part of its structure and may not.

    Args:
        layers: built bijectors in sampling order, of equal structure: the same static fields, and arrays of
            the same shapes and dtypes.
        unroll: how many layers one turn of the loop holds in the cheap direction, or in both if both are; larger
            compiles slower and may run faster.
        memory: "store" keeps what each layer computed until the gradient needs it. "constant" keeps the output alone
            and lets the gradient undo layer by layer, so that the memory of a training step does not grow with depth.
            It is for layers of which both directions are cheap (`cheap` is "both"): the other direction is taken too.
            Gradients then differ by the rounding of the way back. They are for reverse mode only: `jax.grad`, not
            `jax.jvp`. Randomness is the same both ways, so a key may be given.

    Raises:
        ConfigError: if the list is empty or the structures differ, or the memory is unknown or "constant" with a
            `BatchNorm`, which cannot be undone in training.
        ShapeError: if a layer's input and output shapes differ.

    Reference for "constant": Gomez et al. 2017, The Reversible Residual Network, arXiv:1707.04585.
    """

    stacked: Bijector
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: tuple[int, ...] | None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)
    depth: int = eqx.field(static=True)
    unroll: int = eqx.field(static=True)
    memory: Memory = eqx.field(static=True)

    def __init__(self, layers: Sequence[Bijector], *, unroll: int = 1, memory: Memory = "store") -> None:
        if not layers:
            raise ConfigError("Stack: expected at least one layer, got an empty list.")
        parts = [eqx.partition(layer, eqx.is_array) for layer in layers]
        for index, (arrays, static) in enumerate(parts):
            if not eqx.tree_equal(static, parts[0][1]) or _shapes(arrays) != _shapes(parts[0][0]):
                raise ConfigError(
                    f"Stack: expected layers of one structure, but layer {index} differs from layer 0. "
                    "Use Chain for layers that differ."
                )
        first = layers[0]
        if first.in_shape != first.out_shape:
            raise ShapeError(
                f"Stack: expected layers that keep the shape, got {first.in_shape} -> {first.out_shape}."
            )
        arrays = _stacked(*[arrays for arrays, _ in parts])
        self.stacked = eqx.combine(arrays, parts[0][1])
        # A layer may derive these from its arrays, so they are read before its arrays are stacked.
        self.in_shape = first.in_shape
        self.context_shape = first.context_shape
        self.cheap = first.cheap
        self.depth = len(layers)
        self.unroll = unroll
        self.memory = checked_memory("Stack", memory, layers)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def layer(self, index: int) -> Bijector:
        """Return one layer, with its own parameters; negative indices count from the data side.

        Raises:
            IndexError: if there is no such layer.
        """
        if not -self.depth <= index < self.depth:
            raise IndexError(f"Stack.layer: expected an index of one of {self.depth} layers, got {index}.")
        arrays, static = eqx.partition(self.stacked, eqx.is_array)
        return eqx.combine(jax.tree.map(lambda leaf: leaf[index], arrays), static)

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Apply the layers first to last; see `Bijector`."""
        return self._scan("forward_and_log_det", x, context, key)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Invert the layers last to first; see `Bijector`."""
        return self._scan("inverse_and_log_det", y, context, key)

    def _scan(
        self, method: Method, event: Array, context: Array | None, key: PRNGKeyArray | None
    ) -> tuple[Array, Array]:
        unroll = self.unroll if self.cheap == "both" or method.startswith(self.cheap) else 1
        loop = Loop(depth=self.depth, unroll=unroll, small=_SMALL)
        return stacked(self.stacked, loop, method, event, context, key, self.memory)


class Invert(Bijector):
    """The same map with its two directions exchanged: `Invert(f).forward` is `f.inverse`.

    Args:
        bijector: the map to turn round.
    """

    bijector: Bijector

    def __init__(self, bijector: Bijector) -> None:
        self.bijector = bijector

    @property
    def in_shape(self) -> tuple[int, ...]:
        """Shape of x: the inner map's output."""
        return self.bijector.out_shape

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y: the inner map's input."""
        return self.bijector.in_shape

    @property
    def context_shape(self) -> tuple[int, ...] | None:
        """Shape of the context: the inner map's."""
        return self.bijector.context_shape

    @property
    def cheap(self) -> Cheap:
        """The inner map's cheap direction, turned round."""
        return _OPPOSITE[self.bijector.cheap]

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Apply the inner inverse; see `Bijector`."""
        return self.bijector.inverse_and_log_det(x, context, key=key)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Apply the inner forward map; see `Bijector`."""
        return self.bijector.forward_and_log_det(y, context, key=key)


@quickly
def _stacked(*trees: Any) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def _shapes(arrays: Any) -> list[tuple[tuple[int, ...], Any]]:
    return [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(arrays)]
