"""Where rows are between the layers of a flow."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ..bijectors import Bijector
from ..distributions import Dequantized, Flow
from ..distributions.dequantized import boxes, place


def flow_stages(law: Flow, rows: ArrayLike, context: ArrayLike | None = None) -> list[np.ndarray]:
    """Return rows at every stage from the data to the base: as they are, then after each layer's inverse.

    It is `Flow.intermediates` from the other end, by the direction that densities need.

    Args:
        law: a flow. Where its base is a `Dequantized` law, the stages are those of the flow over scores within, and the
            first stage is the middle of each row's box.
        rows: shape (n, *event_shape).
        context: conditions, shape (n, *context_shape), if the law takes any.

    Returns:
        One array for the data side and one for each layer, of shape (n, ...).

    Accuracy: tests/diagnostics/test_stages.py: against `to_base` and `intermediates`.
    """
    flow, x = law, jnp.asarray(rows, float)
    if isinstance(law.base, Dequantized):
        flow, encoder = law.base.flow, law.base.encoder
        x = _middles(boxes(encoder, rows), encoder.angles)
    given = None if context is None else _embedded(flow, jnp.asarray(context, float))
    stages = [np.asarray(x)]
    for layer in reversed(flow.layers()):
        x = _back(layer, x, None if layer.context_shape is None else given)
        stages.append(np.asarray(x))
    return stages


@eqx.filter_jit
def _middles(box: tuple[Array, Array, Array], angles: tuple[int, ...]) -> Array:
    return jax.vmap(lambda own: place(own, jnp.full_like(own.lower, 0.5), angles)[0])(box)


@eqx.filter_jit
def _embedded(flow: Flow, context: Array) -> Array:
    return jax.vmap(flow.embed)(context)  # pyright: ignore[reportReturnType]


@eqx.filter_jit
def _back(layer: Bijector, x: Array, context: Array | None) -> Array:
    return jax.vmap(layer.inverse, in_axes=(0, None if context is None else 0))(x, context)
