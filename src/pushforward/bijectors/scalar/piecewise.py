"""Scalar maps over bins: PiecewiseLinear and QuadraticSpline."""

from typing import ClassVar, Literal

import equinox as eqx
import jax
from jaxtyping import Array

from ...errors import ConfigError
from ...numerics import piecewise
from .base import ScalarMap, check_bins, check_bound

Interval = Literal["real", "unit"]


class PiecewiseLinear(ScalarMap):
    """Linear in bins of equal width: the slopes are a softmax of the parameters, and jump at the knots.

    Args:
        bins: number of bins.
        bound: half width of the interval [-bound, bound], outside of which y = x; only for "real".
        interval: "real", or "unit": a map of [0, 1] to itself for a base on it. Elsewhere then y = x with
            log_dydx = -inf.

    Raises:
        ConfigError: if bins is no whole number from 2 to 512, the bound no positive number, or the interval unknown.

    Reference: Mueller et al. 2018, Neural Importance Sampling, arXiv:1808.03856, section 4.2; see
        `numerics.piecewise.linear`.
    """

    elementwise: ClassVar[bool] = True

    bins: int = eqx.field(static=True, default=8)
    bound: float = eqx.field(static=True, default=5.0)
    interval: Interval = eqx.field(static=True, default="real")

    def __check_init__(self) -> None:
        _check("PiecewiseLinear", self.bins, self.bound, self.interval)

    @property
    def num_params(self) -> int:
        """As many as bins: their heights."""
        return self.bins

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Apply the line of x's bin; see `ScalarMap` and `numerics.piecewise.linear`."""
        return piecewise.on_interval(piecewise.linear, x, params, bound=_bound(self))

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Undo the line of y's bin; see `numerics.piecewise.linear_inverse`."""
        return piecewise.on_interval(piecewise.linear_inverse, y, params, bound=_bound(self))


class QuadraticSpline(ScalarMap):
    """Quadratic in each bin, with a slope that is continuous and linear in each bin.

    Args:
        bins: number of bins.
        bound: half width of the interval [-bound, bound], outside of which y = x; only for "real". The slope at both
            ends is then 1, so that it is continuous there too.
        interval: "real", or "unit": a map of [0, 1] to itself for a base on it, with free slopes at its ends. Elsewhere
            then y = x with log_dydx = -inf.

    Raises:
        ConfigError: if bins is no whole number from 2 to 512, the bound no positive number, or the interval unknown.

    Reference: Mueller et al. 2018, Neural Importance Sampling, arXiv:1808.03856, section 4.3; see
        `numerics.piecewise.quadratic`.
    """

    elementwise: ClassVar[bool] = True

    bins: int = eqx.field(static=True, default=8)
    bound: float = eqx.field(static=True, default=5.0)
    interval: Interval = eqx.field(static=True, default="real")

    def __check_init__(self) -> None:
        _check("QuadraticSpline", self.bins, self.bound, self.interval)

    @property
    def num_params(self) -> int:
        """2 * bins - 1: widths and inner slopes; 2 * bins + 1 with those at the ends of "unit"."""
        return 2 * self.bins + (1 if self.interval == "unit" else -1)

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Apply the spline; see `ScalarMap` and `numerics.piecewise.quadratic`."""
        return piecewise.on_interval(piecewise.quadratic, x, *self._split(params), bound=_bound(self))

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Invert the spline in closed form; see `numerics.piecewise.quadratic_inverse`."""
        return piecewise.on_interval(piecewise.quadratic_inverse, y, *self._split(params), bound=_bound(self))

    def _split(self, params: Array) -> tuple[Array, Array]:
        widths, densities = jax.lax.split(params, [self.bins, self.num_params - self.bins])
        return widths, densities


def _bound(map_: PiecewiseLinear | QuadraticSpline) -> float | None:
    return None if map_.interval == "unit" else map_.bound


def _check(who: str, bins: int, bound: float, interval: str) -> None:
    check_bins(who, bins)
    check_bound(who, bound)
    if interval not in ("real", "unit"):
        raise ConfigError(f"{who}: expected interval real or unit, got {interval!r}.")
