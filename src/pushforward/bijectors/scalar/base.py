"""The contract of a scalar map: a monotone function of one number, given its parameters."""

import abc
import math
from typing import ClassVar

import equinox as eqx
from jaxtyping import Array

from ...errors import ConfigError


class ScalarMap(eqx.Module):
    """A monotone function of one real number, shaped by a vector of unconstrained parameters.

    It owns no parameters: a container (`Elementwise`, `Coupling`, `Autoregressive`) gives them. Every finite
    parameter vector gives an invertible map. At parameters zero it is the identity, unless its docstring says
    otherwise.

    Attributes:
        elementwise: True if `forward` and `inverse` also take params of shape (num_params, *shape) with x of any
            shape. Containers then hand over all elements of a batch at once, elements last, which compiles to
            faster code than one at a time; for a map with few parameters it makes no difference.
    """

    elementwise: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def num_params(self) -> int:
        """How many parameters one number's map takes."""

    @abc.abstractmethod
    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Map x.

        Args:
            params: unconstrained parameters, shape (num_params,).
            x: a number, shape ().

        Returns:
            y and log_dydx = log|dy/dx| in nats, both of shape ().
        """

    @abc.abstractmethod
    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Map y back.

        Args:
            params: unconstrained parameters, shape (num_params,).
            y: a number, shape ().

        Returns:
            x and log_dxdy = log|dx/dy| in nats, both of shape ().
        """


def check_bound(who: str, bound: float) -> None:
    """Raise a ConfigError unless a bound is a positive number."""
    number = isinstance(bound, int | float) and not isinstance(bound, bool)
    if not number or not math.isfinite(bound) or bound <= 0:
        raise ConfigError(f"{who}: expected a finite bound above 0, got {bound!r}.")


def check_bins(who: str, bins: int) -> None:
    """Raise a ConfigError unless a number of bins is a whole number from 2 to 512."""
    if type(bins) is not int or not 2 <= bins <= 512:
        raise ConfigError(f"{who}: expected 2 to 512 bins, got {bins!r}.")


def check_range(who: str, name: str, value: float, least: float, most: float) -> None:
    """Raise a ConfigError unless an argument is a number from `least` to `most`."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigError(f"{who}: expected {name} from {least:g} to {most:g}, got {value!r}.")
