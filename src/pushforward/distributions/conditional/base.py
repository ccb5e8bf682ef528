"""The contract of the law of one element, given unconstrained parameters."""

import abc

import equinox as eqx
from jax.typing import DTypeLike
from jaxtyping import Array, PRNGKeyArray


class ConditionalLaw(eqx.Module):
    """The law of a number x given a vector of unconstrained parameters.

    All methods are elementwise: parameters come first parameter first, shape (num_params, *shape), and may have 1 where
    the values have more. A subclass is final and has static fields only. Its log-density may have no parameters of its
    own: whatever is learned comes from the network.

    Attributes:
        num_params: how many parameters the law takes.
        values: None for a law over the real numbers; K for one over the whole numbers 0 to K - 1, whose `log_prob` is
            then a log-probability, -inf at all other numbers.
    """

    @property
    @abc.abstractmethod
    def num_params(self) -> int:
        """How many parameters the law takes."""

    @property
    @abc.abstractmethod
    def values(self) -> int | None:
        """None for a law over the real numbers, K for one over 0 to K - 1."""

    @abc.abstractmethod
    def log_prob(self, params: Array, x: Array) -> Array:
        """Return the log-density of x, or its log-probability if `values` is not None.

        Args:
            params: shape (num_params, *shape).
            x: numbers, shape (*shape,).

        Returns:
            Nats, shape (*shape,).
        """

    @abc.abstractmethod
    def noise(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return the random numbers from which `draw` makes elements, shape (*shape, k): k for each."""

    @abc.abstractmethod
    def draw(self, params: Array, noise: Array) -> Array:
        """Return draws.

        Args:
            params: shape (num_params, *shape).
            noise: shape (k, *shape).

        Returns:
            Draws, shape (*shape,).
        """

    @abc.abstractmethod
    def seen(self, x: Array) -> Array:
        """Return x as a network should see it: the same, or brought to [-1, 1]."""
