"""The integral of a positive network as a scalar map: UMNN."""

import math
from typing import ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...errors import ConfigError
from ...numerics.elementary import soft_bound
from ...numerics.integrals import integral, log_integrand
from ...numerics.tails import linear_tails, linear_tails_inverse
from .base import ScalarMap, check_bound, check_count

_STEEPNESS = 10.0  # of the steepest unit, per bound
_HEIGHT = 4.0  # of all units together, in nats
_LOG_SCALE = 5.0
_START = 0.3  # of a unit's steepness, as a share of the largest
_CENTRES = 0.8  # how far the units' centres spread at the start, in units of bound


class MonotoneIntegral(ScalarMap):
    """y = shift + exp(log scale) * the integral of a positive network from 0 to x; its tangents beyond +-bound.

    The network is g(t) = exp(sum_j h_j tanh(s_j (t - c_j))), one hidden layer whose weights are the parameters: a
    conditioner that writes weights, where the paper's hands over an embedding. The integral is taken by Clenshaw and
    Curtis's rule. So that a fixed rule serves every parameter, |s_j| stays below 10 / bound and the |h_j| sum up to 4
    at most: with 33 nodes y is then the integral to a relative error of 1e-5.

    log_dydx is the logarithm of the integrand, and the derivative of y with respect to x is defined as the integrand:
    positive whatever the parameters. It differs from the slope of the rule's own value by its error.

    Args:
        units: of the hidden layer.
        nodes: of the rule, an odd number.
        bound: half width of the interval.

    Raises:
        ConfigError: if units is no whole number from 1 to 256, nodes no odd one from 3 to 257, or the bound no positive
            number.

    The inverse is a search; see `numerics.roots.increasing_root`.

    Reference: Wehenkel and Louppe 2019, Unconstrained Monotonic Neural Networks, arXiv:1908.05164, sections 3 and 4.
    """

    elementwise: ClassVar[bool] = True
    cheap: ClassVar[Literal["both", "forward"]] = "forward"

    units: int = eqx.field(static=True, default=8)
    nodes: int = eqx.field(static=True, default=33)
    bound: float = eqx.field(static=True, default=5.0)

    def __check_init__(self) -> None:
        check_count("MonotoneIntegral", "units", self.units, 1, 256)
        if type(self.nodes) is not int or not 3 <= self.nodes <= 257 or self.nodes % 2 == 0:
            raise ConfigError(
                f"MonotoneIntegral: expected an odd number of nodes from 3 to 257, got {self.nodes!r}."
            )
        check_bound("MonotoneIntegral", self.bound)

    @property
    def num_params(self) -> int:
        """3 * units + 2: steepness, centre and height of each unit, then log-scale and shift."""
        return 3 * self.units + 2

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Integrate from 0 to x; see `ScalarMap` and `numerics.integrals.integral`."""
        return linear_tails(self._inside, params, x, self.bound)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Search for x; see `ScalarMap`."""
        start = jax.lax.stop_gradient((y - params[-1]) * jnp.exp(-soft_bound(params[-2], _LOG_SCALE)))
        return linear_tails_inverse(self._inside, params, y, self.bound, start)

    def _inside(self, params: Array, x: Array) -> tuple[Array, Array]:
        *raw, rest = jax.lax.split(params, [*[self.units] * 3, 2])
        log_scale, shift = soft_bound(rest[0], _LOG_SCALE), rest[1]
        parts = self._network(*raw)
        y = shift + jnp.exp(log_scale) * integral(x, *parts, self.nodes)
        return y, log_scale + log_integrand(x, *parts)

    def _network(self, steepness: Array, centres: Array, heights: Array) -> tuple[Array, Array, Array]:
        places = np.arctanh(_CENTRES * (2 * np.arange(self.units) + 1 - self.units) / self.units)
        places = jnp.asarray(places, centres.dtype).reshape(-1, *[1] * (centres.ndim - 1))
        return (
            _STEEPNESS / self.bound * jnp.tanh(math.atanh(_START) + steepness),
            self.bound * jnp.tanh(places + centres),
            soft_bound(heights, _HEIGHT / self.units),
        )
