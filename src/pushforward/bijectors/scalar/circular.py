"""CircularSpline: a rational-quadratic spline of angles."""

from typing import ClassVar

import equinox as eqx
import jax
from jaxtyping import Array

from ...errors import ConfigError
from ...numerics import circle
from .base import ScalarMap, check_bins


class CircularSpline(ScalarMap):
    """Monotone rational-quadratic spline of angles from -pi to pi, smooth across the cut, for a base on the circle.

    The slope at -pi and pi is the same, and learned. Without a phase the cut is a fixed point; with one, the circle
    is then turned by a learned angle, so that y grows with x only up to a jump by a whole turn.

    Args:
        bins: number of bins.
        phase: whether there is a phase.

    Raises:
        ConfigError: if bins is no whole number from 2 to 512 or the phase not True or False.

    Outside of [-pi, pi], y = x and log_dydx = -inf.
    Reference: Rezende et al. 2020, Normalizing Flows on Tori and Spheres, arXiv:2002.02428, section 2.1; see
        `numerics.circle.circular_spline`.
    """

    elementwise: ClassVar[bool] = True

    bins: int = eqx.field(static=True, default=8)
    phase: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        check_bins("CircularSpline", self.bins)
        if type(self.phase) is not bool:
            raise ConfigError(f"CircularSpline: expected phase to be True or False, got {self.phase!r}.")

    @property
    def num_params(self) -> int:
        """3 * bins, widths, heights and slopes, and 1 for the phase."""
        return 3 * self.bins + self.phase

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Apply the spline, then the phase; see `ScalarMap` and `numerics.circle.circular_spline`."""
        return circle.circular_spline(x, *self._split(params))

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Undo the phase, then the spline; see `numerics.circle.circular_spline_inverse`."""
        return circle.circular_spline_inverse(y, *self._split(params))

    def _split(self, params: Array) -> tuple[Array, Array, Array, Array | None]:
        widths, heights, slopes, phase = jax.lax.split(params, [*[self.bins] * 3, int(self.phase)])
        return widths, heights, slopes, phase[0] if self.phase else None
