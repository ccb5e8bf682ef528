"""The rational-quadratic spline as a scalar map."""

from typing import ClassVar

import equinox as eqx
import jax
from jaxtyping import Array

from ...errors import ConfigError
from ...numerics import splines
from .base import ScalarMap, check_bound


class RationalQuadraticSpline(ScalarMap):
    """Monotone rational-quadratic spline on [-bound, bound], identity outside.

    Args:
        bins: number of bins.
        bound: half width of the interval.

    Raises:
        ConfigError: if bins is no whole number from 2 to 512 or the bound no positive number.

    Reference: Durkan et al. 2019, Neural Spline Flows, arXiv:1906.04032, section 3.1.
    """

    elementwise: ClassVar[bool] = True

    bins: int = eqx.field(static=True, default=8)
    bound: float = eqx.field(static=True, default=5.0)

    def __check_init__(self) -> None:
        if type(self.bins) is not int or not 2 <= self.bins <= 512:
            raise ConfigError(f"RationalQuadraticSpline: expected 2 to 512 bins, got {self.bins!r}.")
        check_bound("RationalQuadraticSpline", self.bound)

    @property
    def num_params(self) -> int:
        """3 * bins - 1: widths, heights and inner slopes."""
        return 3 * self.bins - 1

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Apply the spline; see `ScalarMap` and `numerics.splines.rational_quadratic`."""
        return splines.rational_quadratic(x, *self._split(params), bound=self.bound)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Invert the spline in closed form; see `numerics.splines.rational_quadratic_inverse`."""
        return splines.rational_quadratic_inverse(y, *self._split(params), bound=self.bound)

    def _split(self, params: Array) -> tuple[Array, Array, Array]:
        # `split` rather than slices: its derivative is one concatenation, theirs a sum of padded arrays.
        widths, heights, slopes = jax.lax.split(params, [self.bins, self.bins, self.bins - 1])
        return widths, heights, slopes
