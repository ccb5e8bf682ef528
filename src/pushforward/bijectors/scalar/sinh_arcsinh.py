"""SinhArcsinh: learned skewness and tail weight."""

from typing import ClassVar

import equinox as eqx
from jaxtyping import Array

from ...numerics import sinh_arcsinh as formula
from ...numerics.elementary import soft_bound
from .base import ScalarMap, check_range


class SinhArcsinh(ScalarMap):
    """y = sinh(tail * (arcsinh(x) + skewness)), with log tail = bound * tanh(raw / bound).

    |y| grows like |x|^tail, so that a far x may overflow where the tail is heavier than that of x.

    Args:
        bound: the tail weight stays within exp(+-bound).
        skewness: the skewness stays within +-skewness, by the same formula.

    Raises:
        ConfigError: if the bound is no number from 0.01 to 3, or the skewness none from 0.01 to 20.

    Reference: Jones and Pewsey 2009, Sinh-arcsinh distributions, Biometrika 96(4); see
        `numerics.sinh_arcsinh.sinh_arcsinh`.
    """

    elementwise: ClassVar[bool] = True

    bound: float = eqx.field(static=True, default=1.0)
    skewness: float = eqx.field(static=True, default=5.0)

    def __check_init__(self) -> None:
        check_range("SinhArcsinh", "bound", self.bound, 0.01, 3.0)
        check_range("SinhArcsinh", "skewness", self.skewness, 0.01, 20.0)

    @property
    def num_params(self) -> int:
        """2: the raw skewness and the raw log of the tail weight."""
        return 2

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Skew and stretch; see `ScalarMap` and `numerics.sinh_arcsinh.sinh_arcsinh`."""
        return formula.sinh_arcsinh(x, *self._params(params))

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Undo both; see `numerics.sinh_arcsinh.sinh_arcsinh_inverse`."""
        return formula.sinh_arcsinh_inverse(y, *self._params(params))

    def _params(self, params: Array) -> tuple[Array, Array]:
        return soft_bound(params[0], self.skewness), soft_bound(params[1], self.bound)
