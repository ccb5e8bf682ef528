"""Rows of a table as points of a law over real numbers, whatever its columns are."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from ..distributions.dequantized import BoxLaw, Dequantized, boxes, place
from ..distributions.encoding import Box
from ..distributions.flow import Flow
from ..distributions.rows import map_rows
from .frames import FrameModel

_TRIED = 16
"""Points of a box of which one is chosen."""


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

    A row of mixed columns is a box of scores. With a key its point is drawn from the law's own density in the box (by
    resampling one of 16 draws), so that the points follow the law if the rows do: they serve checks of the law. Without
    a key it is the middle of the box, which serves comparisons of rows.

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
    if key is None or not encoder.noisy:
        points = np.asarray(_middles(law.law, box))
    else:
        rows = (*box, np.arange(len(codes), dtype=np.uint32), *(() if given is None else (given,)))
        points = np.asarray(map_rows(_Draw(law.law, key), rows, width=16 * encoder.features))
    owners, shown = [], []
    for column, (name, cells) in enumerate(zip(names, encoder.cells, strict=True)):
        parts = ("cos", "sin") if cells.kind == "angle" else ("class", "value") if cells.classes else ("",)
        owners += [column] * len(parts)
        shown += [f"{name} ({part})" if part else name for part in parts]
    return Points(law.flow, points, given, tuple(shown), tuple(owners))


@eqx.filter_jit
def _middles(law: BoxLaw, box: Box) -> Array:
    half = jnp.full(box.lower.shape[1:], 0.5, box.lower.dtype)
    return jax.vmap(lambda own: place(own, half, law.angles)[0])(box)


class _Draw(eqx.Module):
    """One point of a box, drawn from the density that a flow has there, by sampling importance resampling.

    Reference: Rubin 1988, Using the SIR algorithm to simulate posterior distributions, Bayesian Statistics 3, p. 395.
    """

    law: BoxLaw
    key: PRNGKeyArray

    def __call__(
        self, lower: Array, upper: Array, log_weight: Array, number: Array, context: Array | None = None
    ) -> Array:
        box = Box(lower, upper, log_weight)
        of_points, of_choice = jr.split(jr.fold_in(self.key, number))
        u = jr.uniform(of_points, (_TRIED, *lower.shape), lower.dtype)
        z, log_q = jax.vmap(lambda u: self.law.place(box, u))(u)
        log_p = jax.vmap(lambda z: self.law.flow._log_prob(z, context))(z)
        return z[jr.categorical(of_choice, log_p - log_q)]
