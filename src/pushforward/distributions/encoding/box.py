"""Box: the points of score space that a row may stand for."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...bijectors.frozen import Frozen
from ...numerics.truncated import END


class Box(NamedTuple):
    """A product of intervals, of which a point has no width.

    Attributes:
        lower: shape (coordinates,), at least -END.
        upper: shape (coordinates,), at most END.
        log_weight: what the change of units adds to a log-density, in nats; -inf outside of the support.
    """

    lower: Array
    upper: Array
    log_weight: Array


def fill_edges(edges: list[np.ndarray]) -> Frozen:
    """Return ends of intervals, one vector a column, as the rows of one array filled up with END."""
    filled = np.full((len(edges), max(map(len, edges))), END)
    for row, values in zip(filled, edges, strict=True):
        row[: len(values)] = values
    return Frozen(jnp.asarray(filled, dtype=float))


def even_edges(counts: list[int]) -> Frozen:
    """Return intervals of one width for columns of so many levels: a structure to be filled in."""
    return fill_edges([np.linspace(-END, END, count + 1) for count in counts])


def interval(edges: Frozen, number: Array) -> tuple[Array, Array]:
    """Return both ends of one interval in each row of edges; `number`, of whole numbers, has shape (rows,)."""
    rows = np.arange(edges.value.shape[0])
    return edges.value[rows, number], edges.value[rows, number + 1]


def number(edges: Frozen, z: Array) -> Array:
    """Return the number of the interval that holds z in each row; the first and the last have no outer end."""
    above = edges.value[:, 1:]
    # The last real end is END too: neither it nor what fills a row up may count.
    return jnp.sum((z[:, None] > above) & (above < END), axis=1)
