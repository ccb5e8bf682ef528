"""What maps and densities of the plane are, in numbers to draw: grids of lines, densities on a grid, Jacobians."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ..bijectors.base import Bijector, as_float
from ..errors import ConfigError

Limits = tuple[tuple[float, float], tuple[float, float]]
"""The shown interval of the first and of the second coordinate."""


class Field(NamedTuple):
    """A density on a grid of the plane.

    Attributes:
        limits: the rectangle that the grid's cells fill.
        density: at the cells' centres, first axis the second coordinate, rising; shape (size, size).
    """

    limits: Limits
    density: np.ndarray

    def mass(self) -> float:
        """Return the integral over the rectangle by the midpoint rule."""
        (left, right), (low, high) = self.limits
        return float(self.density.mean() * (right - left) * (high - low))


def field(log_prob: Callable[..., ArrayLike], limits: Limits, *, size: int = 200) -> Field:
    """Return a density of the plane at the centres of a grid's cells.

    Args:
        log_prob: takes points of shape (n, 2), returns log-densities in nats, shape (n,); -inf where there is none.
        limits: the rectangle.
        size: cells on each side.

    Raises:
        ConfigError: if the rectangle is empty or the size no positive whole number.
    """
    _check("field", limits, size=size)
    sides = [low + (high - low) * (np.arange(size) + 0.5) / size for low, high in limits]
    points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    density = np.exp(np.asarray(log_prob(jnp.asarray(points, float)), dtype=np.float64))
    return Field(limits, density.reshape(size, size))


def grid_lines(limits: Limits, *, lines: int = 11, points: int = 101) -> np.ndarray:
    """Return the lines of a regular grid as points, so that a map can bend them: shape (2, lines, points, 2).

    First come the lines along which the first coordinate is constant, then those of the second.

    Args:
        limits: the rectangle that the grid fills, its sides included.
        lines: lines in each direction.
        points: points of each line.

    Raises:
        ConfigError: if the rectangle is empty or a number no positive whole one.
    """
    _check("grid_lines", limits, lines=lines, points=points)
    places, along = ([np.linspace(low, high, count) for low, high in limits] for count in (lines, points))
    upright = np.stack(np.broadcast_arrays(places[0][:, None], along[1][None, :]), axis=-1)
    level = np.stack(np.broadcast_arrays(along[0][None, :], places[1][:, None]), axis=-1)
    return np.stack([upright, level])


def jacobian(bijector: Bijector, x: ArrayLike, context: ArrayLike | None = None) -> np.ndarray:
    """Return df/dx of a bijector's forward map at one event by automatic differentiation.

    Args:
        bijector: the map; its events are taken flat.
        x: one event.
        context: the condition, if the map takes one.

    Returns:
        Shape (n, n) with n numbers in an event: outputs in rows, inputs in columns.
    """
    event = as_float(x)
    condition = None if context is None else as_float(context)
    return np.asarray(_jacobian(bijector, event, condition)).reshape(event.size, event.size)


@eqx.filter_jit
def _jacobian(bijector: Bijector, x: Array, context: Array | None) -> Array:
    return jax.jacfwd(lambda event: bijector.forward(event, context))(x)


def _check(who: str, limits: Limits, **counts: int) -> None:
    if not all(low < high for low, high in limits):
        raise ConfigError(
            f"{who}: expected limits ((left, right), (low, high)), each rising, got {limits!r}."
        )
    for name, count in counts.items():
        if type(count) is not int or count < 1:
            raise ConfigError(f"{who}: expected {name} to be a positive whole number, got {count!r}.")
