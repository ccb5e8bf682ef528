"""Columns of numbers: points or short intervals of normal scores, and classes for what is special."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...bijectors.frozen import Frozen
from ...bijectors.marginals import Marginals
from ...numerics.supports import from_line, to_line
from ...numerics.truncated import END
from .box import Box, even_edges, interval, number
from .cells import Cells

_POINT = 1e-3
"""A grid's cell narrower than this, in scores, is a point with a density: no flow of usual size varies inside of it."""


class ValueCells(eqx.Module):
    """Numbers by their normal scores; a support, a grid, point masses and missing values are taken into account.

    The coordinates are those of the classes of the columns that have some, then one for the value of each column. Where
    a value is special, a point mass or missing, its own coordinate is free: an interval without ends.

    Args:
        cells: one for each column.
        marginals: the splines from scores to the values on the whole line.
        edges: ends of the classes in scores, one row for each column that has classes, filled up with END; None if none
            has.
    """

    marginals: Marginals
    edges: Frozen | None
    cells: tuple[Cells, ...] = eqx.field(static=True)

    @classmethod
    def blank(cls, cells: tuple[Cells, ...], knots: int) -> "ValueCells":
        """Return the structure, with splines that are the identity and classes of one width."""
        counts = [column.classes for column in cells if column.classes]
        return cls(Marginals.identity(len(cells), knots), even_edges(counts) if counts else None, cells)

    @property
    def owners(self) -> tuple[int, ...]:
        """The column of each coordinate."""
        return (*self._special, *range(len(self.cells)))

    def box(self, codes: Array) -> Box:
        """Return the box of the codes of ONE row, shape (columns,); NaN where a value is missing."""
        special, classes = self._classes(codes)
        lower, upper, weight = self._scores(codes, special)
        if self.edges is None:
            return Box(lower, upper, weight)
        low, high = interval(self.edges, classes[np.array(self._special)])
        return Box(jnp.concatenate([low, lower]), jnp.concatenate([high, upper]), weight)

    def codes(self, z: Array) -> Array:
        """Return the codes of ONE point of scores."""
        count, (step, start, grid) = len(self._special), self._grid(z)
        x, _ = from_line(self.marginals.forward(z[count:]), *self._ends(z, line=True), self._scale(z))
        values = jnp.clip(jnp.where(grid, start + step * jnp.round((x - start) / step), x), *self._ends(z))
        if self.edges is None:
            return values
        found = number(self.edges, z[:count])
        for row, column in enumerate(self._special):
            cells = self.cells[column]
            for index, value in enumerate((*cells.masses, *([math.nan] * cells.missing))):
                values = values.at[column].set(jnp.where(found[row] == index, value, values[column]))
        return values

    def features(self, codes: Array) -> Array:
        """Return the scores of ONE row, 0 for what is special, and an indicator for each class that there is."""
        special, classes = self._classes(codes)
        lower, upper, _ = self._scores(codes, special)
        shown = [classes[column] == jnp.arange(self.cells[column].classes) for column in self._special]
        scores = jnp.where(special, 0.0, (lower + upper) / 2)
        return jnp.concatenate([scores, *(part.astype(codes.dtype) for part in shown)])

    @property
    def _special(self) -> tuple[int, ...]:
        """The columns that have classes."""
        return tuple(column for column, cells in enumerate(self.cells) if cells.classes)

    def _classes(self, x: Array) -> tuple[Array, Array]:
        """Return which values are special, and the class of each: the last one for those that are not."""
        special, classes = [], []
        for value, cells in zip(x, self.cells, strict=True):
            masses = jnp.asarray(cells.masses, x.dtype)
            near = (cells.step or 0.0) / 4
            hits = jnp.concatenate([jnp.abs(value - masses) <= near, jnp.isnan(value)[None] & cells.missing])
            special.append(jnp.any(hits))
            classes.append(jnp.where(jnp.any(hits), jnp.argmax(hits), max(cells.classes - 1, 0)))
        return jnp.stack(special), jnp.stack(classes)

    def _scores(self, x: Array, special: Array) -> tuple[Array, Array, Array]:
        """Return the ends of the values' intervals, and the log-weight of all."""
        (low, high), (step, start, grid) = self._ends(x), self._grid(x)
        density = np.array([cells.density for cells in self.cells])
        near = step / 4
        inside = jnp.where(grid, (x >= low - near) & (x <= high + near), (x > low) & (x < high))
        # A number between the points of a grid has no probability; as a density it is a value not yet rounded.
        between = jnp.abs(x - start - step * jnp.round((x - start) / step)) > near
        inside &= ~(grid & ~density & between)
        stands_in = special | ~(inside | jnp.isnan(x))
        half, value = jnp.where(grid, step / 2, 0.0), jnp.where(stands_in, self._middle(x), x)
        scores, log_dzdx = jax.vmap(self._line)(jnp.stack([value, value - half, value + half]))
        z, log_dzdx = scores[0], log_dzdx[0]
        # The end cells of a grid hold all that lies beyond them.
        below = jnp.where(grid & (x <= low + near), -END, scores[1])
        above = jnp.where(grid & (x >= high - near), END, scores[2])
        log_step = jnp.where(grid, jnp.log(step), 0.0)
        # Out there the ends of a cell cannot be told from END.
        point = ~grid | (log_dzdx + log_step < math.log(_POINT)) | (jnp.abs(z) > END - 1)
        weight = jnp.where(point, log_dzdx, -log_step) + jnp.where(density, 0.0, log_step)
        weight = jnp.where(special, 0.0, jnp.where(inside | jnp.isnan(x), weight, -jnp.inf))
        lower, upper = jnp.where(point, z, below), jnp.where(point, z, above)
        return jnp.where(special, -END, lower), jnp.where(special, END, upper), jnp.sum(weight)

    def _line(self, x: Array) -> tuple[Array, Array]:
        """Return the scores of values, and their elementwise log-derivatives."""
        y, log_dydx = to_line(x, *self._ends(x, line=True), self._scale(x))
        z, log_dzdy = self.marginals.scores(y)
        return z, log_dydx + log_dzdy

    def _middle(self, like: Array) -> Array:
        """Return a value inside of each support."""
        return from_line(jnp.zeros_like(like), *self._ends(like, line=True), self._scale(like))[0]

    def _ends(self, like: Array, *, line: bool = False) -> tuple[Array, Array]:
        """Return the ends of the supports; those of grids are none on the line, where their cells reach beyond."""
        free = [line and cells.step is not None for cells in self.cells]
        low = [
            -np.inf if cells.low is None or off else cells.low
            for cells, off in zip(self.cells, free, strict=True)
        ]
        high = [
            np.inf if cells.high is None or off else cells.high
            for cells, off in zip(self.cells, free, strict=True)
        ]
        return jnp.asarray(low, like.dtype), jnp.asarray(high, like.dtype)

    def _scale(self, like: Array) -> Array:
        return jnp.asarray([cells.scale for cells in self.cells], like.dtype)

    def _grid(self, like: Array) -> tuple[Array, Array, np.ndarray]:
        """Return steps, 1 where there is no grid; a point of each grid; and which columns have one."""
        step = jnp.asarray([cells.step or 1.0 for cells in self.cells], like.dtype)
        start = jnp.asarray([cells.start for cells in self.cells], like.dtype)
        return step, start, np.array([cells.step is not None for cells in self.cells])
