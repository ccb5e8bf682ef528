"""Columns of a few levels, such as categories: each is an interval of normal scores."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from ...bijectors.frozen import Frozen
from .box import Box, even_edges, interval, number
from .cells import Cells

_NEAR = 1e-3
"""A code may be off its level by this share of a step: more than float32 takes from it."""


class LevelCells(eqx.Module):
    """Codes start, start + step, ...: level k is the interval between the edges k and k + 1 of its column.

    Args:
        cells: one for each column.
        edges: in scores, rising from -END to END in each row, filled up with END, shape (columns, most levels + 1). If
            the standard normal law gives the intervals the levels' shares of the training rows, a flow that is the
            identity has the right marginal probabilities.
    """

    edges: Frozen
    cells: tuple[Cells, ...] = eqx.field(static=True)

    @classmethod
    def blank(cls, cells: tuple[Cells, ...]) -> "LevelCells":
        """Return the structure, with intervals of one width."""
        return cls(even_edges([column.count for column in cells]), cells)

    @property
    def owners(self) -> tuple[int, ...]:
        """The column of each coordinate."""
        return tuple(range(len(self.cells)))

    def box(self, codes: Array) -> Box:
        """Return the box of the codes of ONE row, shape (columns,); NaN stays NaN."""
        start, step, count = self._grid(codes)
        exact = (codes - start) / step
        level = jnp.round(exact)
        known = (level >= 0) & (level < count) & (jnp.abs(exact - level) < _NEAR)
        lower, upper = interval(self.edges, jnp.where(known, level, 0).astype(int))
        unknown = jnp.any(~known & ~jnp.isnan(codes))
        weight = jnp.where(unknown, -jnp.inf, jnp.zeros((), codes.dtype))
        return Box(jnp.where(jnp.isnan(codes), jnp.nan, lower), upper, weight)

    def codes(self, z: Array) -> Array:
        """Return the codes of ONE point of scores, shape (columns,)."""
        start, step, _ = self._grid(z)
        return start + step * number(self.edges, z)

    def features(self, codes: Array) -> Array:
        """Return one number for each level, 1 for the one that ONE row has in its column; all 0 where it has none."""
        start, step, _ = self._grid(codes)
        level = jnp.round((codes - start) / step)
        shown = [level[column] == jnp.arange(cells.count) for column, cells in enumerate(self.cells)]
        return jnp.concatenate(shown).astype(codes.dtype)

    def _grid(self, like: Array) -> tuple[Array, Array, Array]:
        columns = [(column.start, column.step or 1.0, column.count) for column in self.cells]
        start, step, count = (jnp.asarray(values, like.dtype) for values in zip(*columns, strict=True))
        return start, step, count
