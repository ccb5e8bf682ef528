"""Rows of a table as points of a law over real numbers, whatever its columns are."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from ..distributions.dequantized import Dequantized, boxes, place
from ..distributions.encoding import Box
from ..distributions.flow import Flow
from .frames import FrameModel


class Points(NamedTuple):
    """Rows as points.

    Attributes:
        law: the flow whose draws they are, if the model is right: over codes where all columns are continuous and
            unbounded, else over normal scores.
        points: shape (n, coordinates); NaN where a value is missing that may not be.
        context: what the law is conditional on, shape (n, given columns), or None.
        names: of the coordinates: the columns', with what a column of several coordinates has each for.
        owners: for each coordinate the place of its column.
    """

    law: Flow
    points: np.ndarray
    context: np.ndarray | None
    names: tuple[str, ...]
    owners: tuple[int, ...]


def points_of(
    model: FrameModel, codes: np.ndarray, given: np.ndarray | None = None, key: PRNGKeyArray | None = None
) -> Points:
    """Return rows of codes as points of a law over real numbers.

    A row of mixed columns is a box of scores; its point is drawn from the standard normal law cut to the box, as in
    training, or without a key is the box's middle. Draws serve checks of the law, middles serve comparisons of rows.

    Args:
        model: the law and its columns.
        codes: of the rows, shape (n, columns).
        given: of the columns that are given, shape (n, given columns).
        key: for the draws.
    """
    names = [column.name for column in model.columns]
    law = model.flow.base
    if not isinstance(law, Dequantized):
        return Points(model.flow, codes, given, tuple(names), tuple(range(len(names))))
    encoder = law.encoder
    box = boxes(encoder, codes)
    shape = box.lower.shape
    u = jnp.full(shape, 0.5) if key is None else jr.uniform(key, shape, minval=1e-6, maxval=1 - 1e-6)
    owners, shown = [], []
    for column, (name, cells) in enumerate(zip(names, encoder.cells, strict=True)):
        parts = ("cos", "sin") if cells.kind == "angle" else ("class", "value") if cells.classes else ("",)
        owners += [column] * len(parts)
        shown += [f"{name} ({part})" if part else name for part in parts]
    return Points(law.flow, np.asarray(_placed(box, u, encoder.angles)), given, tuple(shown), tuple(owners))


def _placed(box: Box, u: Array, angles: tuple[int, ...]) -> Array:
    return jax.jit(jax.vmap(lambda one, u: place(one, u, angles)[0]))(box, u)
