"""Named functions as scalar maps without parameters: Exp, Log, Softplus, Sigmoid, Logit, Tanh, Power, NormalCDF.

`Elementwise(Exp(), shape)` applies one to every element. They carry a law from one set of numbers to another: all real
numbers (R), the positive ones, or those in (0, 1) or (-1, 1). None is the identity. Outside of the open interval where
it is defined, a direction returns its argument and the log-derivative -inf: a density is then zero, and nothing
becomes NaN. Formulas, gradients and accuracy: `numerics.functions`.
"""

from typing import ClassVar

import equinox as eqx
from jaxtyping import Array

from ...errors import ConfigError
from ...numerics import functions
from .base import ScalarMap


class _Function(ScalarMap):
    """A scalar map without parameters."""

    elementwise: ClassVar[bool] = True

    @property
    def num_params(self) -> int:
        """0."""
        return 0


class Exp(_Function):
    """y = exp(x), from R to the positive numbers. It overflows where x is above 88 in float32."""

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Take the exponential; see `ScalarMap` and `numerics.functions.exp`."""
        del params
        return functions.exp(x)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Take the logarithm; see `numerics.functions.log`."""
        del params
        return functions.log(y)


class Log(_Function):
    """y = log(x), from the positive numbers to R."""

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Take the logarithm; see `ScalarMap` and `numerics.functions.log`."""
        del params
        return functions.log(x)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Take the exponential; see `numerics.functions.exp`."""
        del params
        return functions.exp(y)


class Softplus(_Function):
    """y = log(1 + exp(x)), from R to the positive numbers; y is near x for large x."""

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Take the softplus; see `ScalarMap` and `numerics.functions.softplus`."""
        del params
        return functions.softplus(x)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Solve for x; see `numerics.functions.softplus_inverse`."""
        del params
        return functions.softplus_inverse(y)


class Sigmoid(_Function):
    """y = 1 / (1 + exp(-x)), from R to (0, 1).

    In float32, y is 1 where x is above 17, and has no inverse there.
    """

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Take the sigmoid; see `ScalarMap` and `numerics.functions.sigmoid`."""
        del params
        return functions.sigmoid(x)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Take the log-odds; see `numerics.functions.logit`."""
        del params
        return functions.logit(y)


class Logit(_Function):
    """y = log(x / (1 - x)), from (0, 1) to R: the inverse of `Sigmoid`."""

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Take the log-odds; see `ScalarMap` and `numerics.functions.logit`."""
        del params
        return functions.logit(x)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Take the sigmoid; see `numerics.functions.sigmoid`."""
        del params
        return functions.sigmoid(y)


class Tanh(_Function):
    """y = tanh(x), from R to (-1, 1).

    In float32, y is +-1 where |x| is above 9, and has no inverse there.
    """

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Take the hyperbolic tangent; see `ScalarMap` and `numerics.functions.tanh`."""
        del params
        return functions.tanh(x)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Take its inverse; see `numerics.functions.arctanh`."""
        del params
        return functions.arctanh(y)


class NormalCDF(_Function):
    """y = Phi(x), the standard normal's distribution function, from R to (0, 1).

    It makes a standard normal number uniform. In float32, y is 1 where x is above 5.5, and has no inverse there.
    """

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Take the distribution function; see `ScalarMap` and `numerics.functions.normal_cdf`."""
        del params
        return functions.normal_cdf(x)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Take the quantile; see `numerics.functions.normal_quantile`."""
        del params
        return functions.normal_quantile(y)


class Power(_Function):
    """y = x^exponent, from the positive numbers to themselves; decreasing if the exponent is negative.

    Args:
        exponent: a number with a size from 0.01 to 100.

    Raises:
        ConfigError: if the exponent is no such number.
    """

    exponent: float = eqx.field(static=True, default=2.0)

    def __check_init__(self) -> None:
        number = isinstance(self.exponent, int | float) and not isinstance(self.exponent, bool)
        if not number or not 0.01 <= abs(self.exponent) <= 100:
            raise ConfigError(f"Power: expected an exponent of size 0.01 to 100, got {self.exponent!r}.")

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Take the power; see `ScalarMap` and `numerics.functions.power`."""
        del params
        return functions.power(x, self.exponent)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Take the root; see `numerics.functions.power`."""
        del params
        return functions.power(y, 1 / self.exponent)
