"""Encoder: from the codes of a table's row to a box of normal scores, and back."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...numerics.truncated import END
from .angles import AngleCells
from .box import Box
from .cells import KINDS, Cells
from .levels import LevelCells
from .values import ValueCells

Part = LevelCells | ValueCells | AngleCells


class Encoder(eqx.Module):
    """The codes of a row as a box in the space where every column's scores are standard normal.

    A continuous value is a point: its score, by a monotone spline learned from the training rows. A level, or a value
    on a grid, is the interval between the scores of its ends, so that the standard normal law gives it the probability
    that it had among the training rows. A column with point masses or missing values has a coordinate for the class of
    the value and one for the value itself, free where there is none. An angle is a direction in the plane.

    Args:
        cells: one for each column.
        parts: what does it, one for each kind of cells that there is, in the order of `KINDS`.
    """

    parts: tuple[Part, ...]
    cells: tuple[Cells, ...] = eqx.field(static=True)

    @classmethod
    def blank(cls, cells: Sequence[Cells], knots: int) -> "Encoder":
        """Return an encoder of the right structure that has learned nothing yet.

        Args:
            cells: one for each column.
            knots: of the splines of values.
        """
        kinds = {kind: tuple(column for column in cells if column.kind == kind) for kind in KINDS}
        makers = {
            "levels": LevelCells.blank,
            "values": lambda some: ValueCells.blank(some, knots),
            "angle": AngleCells,
        }
        return cls(tuple(makers[kind](some) for kind, some in kinds.items() if some), tuple(cells))

    @property
    def columns(self) -> int:
        """How many codes a row has."""
        return len(self.cells)

    @property
    def features(self) -> int:
        """How many coordinates a box has."""
        return sum(len(part.owners) for part in self.parts)

    @property
    def knots(self) -> int:
        """How many knots the splines of values have; 2 without any."""
        values = [part.marginals for part in self.parts if isinstance(part, ValueCells)]
        return values[0].bases.value.shape[1] if values else 2

    @property
    def noisy(self) -> bool:
        """Whether a row may be more than a point."""
        return any(cells.noisy for cells in self.cells)

    @property
    def angles(self) -> tuple[int, ...]:
        """The place of the first of the two coordinates of every angle."""
        owners = np.array([self.cells[column].kind == "angle" for column in self._columns()])
        return tuple(int(place) for place in np.flatnonzero(owners)[::2])

    def box(self, codes: Array) -> Box:
        """Return the box of ONE row.

        Args:
            codes: shape (columns,), NaN where a value is missing. Where none can be, NaN stays NaN.
        """
        boxes = [part.box(codes[places]) for part, places in zip(self.parts, self._places(), strict=True)]
        lower, upper = (jnp.concatenate(side)[self._order()] for side in list(zip(*boxes, strict=True))[:2])
        weight = jnp.sum(jnp.stack([box.log_weight for box in boxes]))
        point = lower == upper
        low, high = (jnp.where(point, side, jnp.clip(side, -END, END)) for side in (lower, upper))
        return Box(low, high, weight)

    def codes(self, z: Array) -> Array:
        """Return the codes of ONE point of scores, shape (features,): those of the row in whose box it lies."""
        grouped = z[np.argsort(self._order())]
        ends = np.cumsum([len(part.owners) for part in self.parts])
        found = [part.codes(own) for part, own in zip(self.parts, jnp.split(grouped, ends[:-1]), strict=True)]
        return jnp.concatenate(found)[np.argsort(np.concatenate(self._places()))]

    def features_of(self, codes: Array) -> Array:
        """Return what a network should see of ONE row: scores, indicators of levels and classes, directions."""
        return jnp.concatenate(
            [part.features(codes[places]) for part, places in zip(self.parts, self._places(), strict=True)]
        )

    def _places(self) -> list[np.ndarray]:
        """The columns of each part."""
        return [
            np.array([place for place, column in enumerate(self.cells) if column.kind == part.cells[0].kind])
            for part in self.parts
        ]

    def _grouped(self) -> np.ndarray:
        """The column of each coordinate, as the parts give them one after the other."""
        return np.concatenate(
            [places[np.array(part.owners)] for part, places in zip(self.parts, self._places(), strict=True)]
        )

    def _order(self) -> np.ndarray:
        """The order that brings coordinates into that of their columns."""
        return np.argsort(self._grouped(), kind="stable")

    def _columns(self) -> np.ndarray:
        """The column of each coordinate, in the order of a box."""
        return np.sort(self._grouped())
