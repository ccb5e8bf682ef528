"""Columns of angles: each is a direction in the plane, without a seam."""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .box import Box
from .cells import Cells


class AngleCells(eqx.Module):
    """An angle as the point (cos, sin); a law over the plane gives one over directions, whatever the radius.

    Args:
        cells: one for each column.
    """

    cells: tuple[Cells, ...] = eqx.field(static=True)

    @property
    def owners(self) -> tuple[int, ...]:
        """The column of each coordinate."""
        return tuple(column for column in range(len(self.cells)) for _ in range(2))

    def box(self, codes: Array) -> Box:
        """Return the directions of the codes of ONE row, shape (columns,), as points, per unit of code."""
        turn = 2 * math.pi / jnp.asarray([column.period for column in self.cells], codes.dtype)
        angle = turn * (codes - self._start(codes))
        point = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1).reshape(-1)
        return Box(point, point, jnp.sum(jnp.log(turn)))

    def features(self, codes: Array) -> Array:
        """Return the cosine and the sine of the angles of ONE row."""
        return self.box(codes).lower

    def codes(self, z: Array) -> Array:
        """Return the codes of ONE point, shape (2 * columns,), each within a period from its start."""
        c, s = z.reshape(-1, 2).T
        turn = jnp.arctan2(s, c) / (2 * math.pi)
        period = jnp.asarray([column.period for column in self.cells], z.dtype)
        return self._start(z) + period * (turn - jnp.floor(turn))

    def _start(self, like: Array) -> Array:
        return jnp.asarray([column.start for column in self.cells], like.dtype)
