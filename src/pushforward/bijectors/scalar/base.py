"""The contract of a scalar map: a monotone function of one number, given its parameters."""

import abc

import equinox as eqx
from jaxtyping import Array


class ScalarMap(eqx.Module):
    """A monotone function of one real number, shaped by a vector of unconstrained parameters.

    It owns no parameters: a container (`Elementwise`, `Coupling`, `Autoregressive`) gives them. Every finite
    parameter vector gives an invertible map. At parameters zero it is the identity, unless its docstring says
    otherwise.

    Attributes:
        num_params: how many parameters one number's map takes.
    """

    num_params: eqx.AbstractVar[int]

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
