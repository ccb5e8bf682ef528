"""Coupling layers: one part of the event passes unchanged and decides how the other part is mapped."""

import math
from collections.abc import Callable, Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError, ShapeError
from ..numerics.batching import batch_last, reshaped
from .base import Bijector, Cheap
from .elementwise import map_elements
from .scalar.base import ScalarMap


class Coupling(Bijector):
    """y_a = x_a, y_b = map(x_b; net(x_a, context)), elementwise in b: one pass of the net in both directions.

    The Jacobian is triangular, so log|det dy/dx| is the sum of the map's log-derivatives.

    Args:
        map: the scalar map applied to part b.
        net: the conditioner, called as net(x_a, context, key=key) with x_a a vector; returns
            `map.num_params` * `number of elements in b` numbers, first the first parameter of every element, in any
            shape.
        mask: booleans of the event's shape, True where the element belongs to a and passes unchanged. Part a
            may be empty if there is a context, which then alone decides the map.
        context_shape: shape of the context that the net takes, or None.

    Raises:
        ConfigError: if part b is empty, or part a is and there is no context.
        ShapeError: when called, if the net returns another number of parameters.

    Reference: Dinh et al. 2014, NICE, arXiv:1410.8516, section 3.2; Dinh et al. 2016, RealNVP,
        arXiv:1605.08803, eq. 4-6.
    """

    map: ScalarMap
    net: Callable
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: tuple[int, ...] | None = eqx.field(static=True)
    known: tuple[int, ...] = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(
        self,
        map: ScalarMap,
        net: Callable,
        mask: Array | np.ndarray | Sequence[bool],
        context_shape: Sequence[int] | None = None,
    ) -> None:
        mask = np.asarray(mask, dtype=bool)
        if mask.all() or (not mask.any() and context_shape is None):
            raise ConfigError(
                f"Coupling: expected a mask with True and False elements, got {mask.size} equal ones. "
                "A coupling needs at least two features."
            )
        self.map = map
        self.net = net
        self.in_shape = mask.shape
        self.context_shape = None if context_shape is None else tuple(context_shape)
        self.known = tuple(int(i) for i in np.flatnonzero(mask))
        self.cheap = map.cheap

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Map part b given part a; see `Bijector`."""
        return self._apply(self.map.forward, x, context, key)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Map part b back given part a, which is the same on both sides; see `Bijector`."""
        return self._apply(self.map.inverse, y, context, key)

    def _apply(
        self, function: Callable, event: Array, context: Array | None, key: PRNGKeyArray | None
    ) -> tuple[Array, Array]:
        flat = event.reshape(-1)
        rest = tuple(sorted(set(range(flat.shape[0])) - set(self.known)))
        a, b = _take(flat, self.known), _take(flat, rest)
        params = self.net(a, context, key=key)
        expected = (self.map.num_params, len(rest))
        if params.size != math.prod(expected):
            raise ShapeError(
                f"Coupling: expected a net that returns {expected[1]} x {expected[0]} parameters, "
                f"got {params.size} from {type(self.net).__name__}."
            )
        mapped, log_det = map_elements(function, reshaped(params, shape=expected), b)
        return _merge(a, mapped, known=self.known, rest=rest).reshape(event.shape), log_det


def halves(features: int, *, swap: bool = False) -> np.ndarray:
    """Mask of a coupling whose first half passes unchanged (the second, with swap): shape (features,)."""
    return (np.arange(features) < features // 2) ^ swap


def alternating(features: int, *, swap: bool = False) -> np.ndarray:
    """Mask of a coupling whose even elements pass unchanged (the odd ones, with swap): shape (features,).

    One feature alone never passes unchanged, as there would be nothing left to map.
    """
    return (np.arange(features) % 2 == 0) ^ swap if features > 1 else np.zeros(features, dtype=bool)


def checkerboard(shape: Sequence[int], *, swap: bool = False) -> np.ndarray:
    """Checkerboard mask over the first two axes (RealNVP, figure 3), the same in every channel.

    Args:
        shape: (height, width) or (height, width, channels).
        swap: exchange the colours.

    Raises:
        ConfigError: if the shape has another number of axes.
    """
    if len(shape) not in (2, 3):
        raise ConfigError(
            f"checkerboard: expected (height, width) or (height, width, channels), got {tuple(shape)}."
        )
    board = (np.indices(shape[:2]).sum(axis=0) % 2 == 0) ^ swap
    return board if len(shape) == 2 else np.broadcast_to(board[..., None], tuple(shape)).copy()


def _take(flat: Array, indices: tuple[int, ...]) -> Array:
    """Pick elements; as a slice where they are evenly spaced, which differentiates without a scatter."""
    if not indices:
        return flat[:0]
    steps = set(np.diff(indices).tolist())
    if len(steps) <= 1:
        step = steps.pop() if steps else 1
        return flat[indices[0] : indices[-1] + 1 : step]
    return flat[np.asarray(indices)]


def _merge_parts(a: Array, b: Array, *, known: tuple[int, ...], rest: tuple[int, ...]) -> Array:
    """Put the two parts back in their places; without a gather where they are halves or alternate."""
    batch = jnp.broadcast_shapes(a.shape[1:], b.shape[1:])
    a, b = jnp.broadcast_to(a, (len(known), *batch)), jnp.broadcast_to(b, (len(rest), *batch))
    if not known or rest[-1] < known[0]:
        return jnp.concatenate([b, a])
    if known[-1] < rest[0]:
        return jnp.concatenate([a, b])
    order = np.asarray(known + rest)
    for first, second, indices in ((a, b, known), (b, a, rest)):
        if indices == tuple(range(0, order.size, 2)):
            pairs = jnp.stack([first[: len(second)], second], axis=1)
            return jnp.concatenate([pairs.reshape(2 * len(second), *batch), first[len(second) :]])
    return jnp.concatenate([a, b])[np.argsort(order)]


_merge = batch_last(_merge_parts, carried=(0, 1))
