"""Autoregressive layers: every element is mapped by parameters that the elements before it decide."""

import math
from collections.abc import Callable
from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from ..numerics.batching import batch_last
from .base import Bijector, Cheap
from .elementwise import map_elements
from .scalar.base import ScalarMap


class SequentialNet(Protocol):
    """A conditioner with two faces: all elements at once, and one after the other."""

    features: int
    num_params: int

    def __call__(self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return the parameters of all elements, shape (num_params, features)."""
        ...

    def in_turn(
        self,
        find: Callable[[Array, Array], tuple[Array, Any]],
        targets: Array,
        context: Array | None = None,
    ) -> tuple[Array, Any]:
        """Find elements in turn, n events at once; see `MADE.in_turn`."""
        ...


class Autoregressive(Bijector):
    """y_i = map(x_i; net(x_1 ... x_(i-1), context)). Jacobian lower triangular.

    Forward is one pass of the net. The inverse finds one element after the other, with the net's second face,
    so it costs the arithmetic of about one pass as well, in `features` short turns; it is exact and
    differentiable. As it is, the layer is an
    inverse autoregressive flow (fast sampling); in an `Invert` it is a masked autoregressive flow (fast
    density).

    Args:
        map: the scalar map.
        net: the conditioner, such as `MADE`.
        context_shape: shape of the context that the net takes, or None.

    Reference: Kingma et al. 2016, IAF, arXiv:1606.04934, section 3; Papamakarios et al. 2017, MAF,
        arXiv:1705.07057, eq. 3-5.
    """

    map: ScalarMap
    net: SequentialNet
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: tuple[int, ...] | None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(
        self,
        map: ScalarMap,
        net: SequentialNet,
        context_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.map = map
        self.net = net
        self.in_shape = (net.features,)
        self.context_shape = context_shape
        self.cheap = "forward"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Map all elements in one pass; see `Bijector`."""
        return map_elements(self.map.forward, self.net(x, context, key=key), x)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Find x_1, x_2, ... in turn. A key has no meaning here: the turns know no dropout. See `Bijector`."""
        del key
        leaves, structure = jax.tree.flatten((self.map, self.net))
        x, log_derivatives = _in_turn(
            y,
            y[:0] if context is None else context.reshape(-1),
            *leaves,
            structure=structure,
            told=context is not None,
        )
        return x, jnp.sum(log_derivatives)


def _solve(y: Array, context: Array, *leaves: Array, structure: Any, told: bool) -> tuple[Array, Array]:
    map, net = jax.tree.unflatten(structure, leaves)
    batch = jnp.broadcast_shapes(y.shape[1:], context.shape[1:])
    size = math.prod(batch)
    columns, conditions = (
        jnp.broadcast_to(a, (a.shape[0], *batch)).reshape(a.shape[0], size) for a in (y, context)
    )
    inverse = map.inverse if map.elementwise else jax.vmap(map.inverse, in_axes=(1, 0))
    found = net.in_turn(inverse, columns, conditions if told else None)
    return tuple(numbers.reshape(y.shape[0], *batch) for numbers in found)


_in_turn = batch_last(_solve, carried=(0, 1))
