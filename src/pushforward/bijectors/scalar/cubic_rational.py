"""CubicRational: a line with a learned bump."""

from typing import ClassVar

import equinox as eqx
from jaxtyping import Array

from ...numerics import cubic_rational as formula
from ...numerics.elementary import soft_bound
from .base import ScalarMap, check_range


class CubicRational(ScalarMap):
    """y = a + b x + c / (1 + (d x + g)^2), the nonlinear squared flow: one affine map can split a mode in two.

    The scales b and d are positive and within exp(+-bound); c is held where the map increases. Smooth on the whole
    line, and affine in the far tails.

    Args:
        bound: the logs of b and d are bound * tanh(raw / bound).

    Raises:
        ConfigError: if the bound is no number from 0.01 to 10.

    Reference: Ziegler and Rush 2019, Latent Normalizing Flows for Discrete Sequences, arXiv:1901.10548; see
        `numerics.cubic_rational`.
    """

    elementwise: ClassVar[bool] = True

    bound: float = eqx.field(static=True, default=3.0)

    def __check_init__(self) -> None:
        check_range("CubicRational", "bound", self.bound, 0.01, 10.0)

    @property
    def num_params(self) -> int:
        """5: a, the raw logs of b and d, g, and the raw bump."""
        return 5

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Add the bump to the line; see `ScalarMap` and `numerics.cubic_rational.cubic_rational`."""
        return formula.cubic_rational(x, *self._params(params))

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Solve the cubic; see `numerics.cubic_rational.cubic_rational_inverse`."""
        return formula.cubic_rational_inverse(y, *self._params(params))

    def _params(self, params: Array) -> tuple[Array, Array, Array, Array, Array]:
        shift, log_scale, log_width, centre, bump = params
        return shift, soft_bound(log_scale, self.bound), soft_bound(log_width, self.bound), centre, bump
