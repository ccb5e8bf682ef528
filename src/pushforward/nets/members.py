"""The many networks in the weights of one MADE: other orders of the elements, other degrees of the hidden units."""

import equinox as eqx
import jax
from jaxtyping import Array, PRNGKeyArray

from ..numerics.quick import permutation, split
from .masked import MADE


class Masks(eqx.Module):
    """What makes one masked network of a MADE's weights.

    The masks themselves follow from it: which unit plays the part of which. The degrees stay sorted, so that a
    network so made is a `MADE` like any other, and can be used in turn.

    Attributes:
        order: a permutation of the elements, shape (features,); None for the MADE's own.
        units: for each layer of hidden units a permutation of them, shape (units,): the unit at place k gets the k-th
            lowest degree. None for the MADE's own. The blocks of a residual network share one stream, whose
            permutation comes first.
    """

    order: Array | None
    units: tuple[Array, ...] | None


def draw_masks(key: PRNGKeyArray, net: MADE, *, order: bool = True, connectivity: bool = True) -> Masks:
    """Draw the masks of one network.

    Args:
        key: a JAX random key.
        net: whose masks.
        order: whether to draw an order of the elements.
        connectivity: whether to draw the degrees of the hidden units. They are dealt out, every degree equally often,
            where the paper draws each by itself; so no degree is ever missing.

    Reference: Germain et al. 2015, MADE, arXiv:1502.03509, sections 4.1 and 4.2, algorithm 1.
    """
    of_order, of_units = split(key)
    sizes: dict[int, int] = {}
    for layer, (_, out) in zip(net.layers, _sides(net), strict=True):
        if out is not None:
            sizes[out] = layer.weight.shape[0]
    keys = split(of_units, len(sizes))
    return Masks(
        permutation(of_order, net.features) if order else None,
        tuple(permutation(keys[i], sizes[i]) for i in range(len(sizes))) if connectivity else None,
    )


def remasked(net: MADE, masks: Masks) -> MADE:
    """Return the network that the masks make of a MADE's weights; gradients go back to these.

    Args:
        net: a MADE.
        masks: as `draw_masks` returns them; they may be traced, so that no program depends on them.
    """
    if masks.units is not None:
        units, sides = masks.units, _sides(net)
        layers = tuple(_moved(layer, units, *side) for layer, side in zip(net.layers, sides, strict=True))
        told = tuple(
            None if layer is None else _moved(layer, units, None, out)
            for layer, (_, out) in zip(net.from_context, sides, strict=True)
        )
        net = eqx.tree_at(lambda n: (n.layers, n.from_context), net, (layers, told), is_leaf=_none)
    if masks.order is not None:
        net = eqx.tree_at(lambda n: n.order, net, masks.order, is_leaf=_none)
    return net


def _sides(net: MADE) -> list[tuple[int | None, int | None]]:
    """Return for each layer which hidden units are its inputs and which its outputs; None for elements."""
    last = len(net.layers) - 1 - net.direct
    if net.residual:  # 0 is the stream, block i has units i within
        hidden = [(0, i // 2 + 1) if i % 2 else (i // 2, 0) for i in range(1, last)]
        sides = [(None, 0), *hidden, (0, None)]
    else:
        sides = [(None, 0), *[(i - 1, i) for i in range(1, last)], (last - 1, None)]
    return [*sides, *[(None, None)] * net.direct]


def _moved(
    layer: eqx.nn.Linear, units: tuple[Array, ...], inputs: int | None, outputs: int | None
) -> eqx.nn.Linear:
    weight, bias = layer.weight, layer.bias
    if outputs is not None:
        weight = weight[units[outputs]]
        bias = None if bias is None else bias[units[outputs]]
    if inputs is not None:
        weight = weight[:, units[inputs]]
    return eqx.tree_at(lambda one: (one.weight, one.bias), layer, (weight, bias), is_leaf=_none)


def _none(leaf: object) -> bool:
    return leaf is None


def nth(masks: Masks, index: Array | int) -> Masks:
    """Return one of the masks that are stacked along the first axis of each array."""
    return jax.tree.map(lambda array: array[index], masks)
