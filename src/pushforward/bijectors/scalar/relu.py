"""Scalar maps that bend at zero: PReLU with a learned slope, LeakyReLU with a fixed one."""

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from ...numerics import functions
from ...numerics.elementary import soft_bound
from .base import ScalarMap, check_bound, check_range


class PReLU(ScalarMap):
    """y = x for x >= 0, exp(bound * tanh(a / bound)) * x for x < 0, with the parameter a.

    Args:
        bound: the log of the slope stays within +-bound.

    Raises:
        ConfigError: if the bound is no positive number.

    Gradients: at x = 0 those of the right side.
    Reference: He et al. 2015, Delving Deep into Rectifiers, arXiv:1502.01852, eq. 1, with a slope that stays positive.
    """

    elementwise: ClassVar[bool] = True

    bound: float = eqx.field(static=True, default=3.0)

    def __check_init__(self) -> None:
        check_bound("PReLU", self.bound)

    @property
    def num_params(self) -> int:
        """1: the raw log of the slope on the negative side."""
        return 1

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Scale negative numbers; see `ScalarMap` and `numerics.functions.leaky`."""
        return functions.leaky(x, soft_bound(params[0], self.bound))

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Scale negative numbers back; see `numerics.functions.leaky`."""
        return functions.leaky(y, -soft_bound(params[0], self.bound))


class LeakyReLU(ScalarMap):
    """y = x for x >= 0, slope * x for x < 0. It takes no parameters, and is the identity only with slope 1.

    Args:
        slope: a number from 1e-6 to 1e6.

    Raises:
        ConfigError: if the slope is no such number.

    Gradients: at x = 0 those of the right side.
    """

    elementwise: ClassVar[bool] = True

    slope: float = eqx.field(static=True, default=0.01)

    def __check_init__(self) -> None:
        check_range("LeakyReLU", "slope", self.slope, 1e-6, 1e6)

    @property
    def num_params(self) -> int:
        """0."""
        return 0

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Scale negative numbers; see `ScalarMap` and `numerics.functions.leaky`."""
        del params
        return functions.leaky(x, jnp.full_like(x, math.log(self.slope)))

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Scale negative numbers back; see `numerics.functions.leaky`."""
        del params
        return functions.leaky(y, jnp.full_like(y, -math.log(self.slope)))
