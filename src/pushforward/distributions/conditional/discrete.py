"""Laws of one element that is a whole number."""

import equinox as eqx
import jax.random as jr
from jax.nn import sigmoid
from jax.typing import DTypeLike
from jaxtyping import Array, PRNGKeyArray

from ...errors import ConfigError
from ...numerics import discrete
from .base import ConditionalLaw


class ConditionalBernoulli(ConditionalLaw):
    """P(x = 1) = sigmoid(a), P(x = 0) = 1 - sigmoid(a): a fair coin at parameters zero. `log_prob` is log P.

    Gradients: finite; zero with respect to x. Draws have none.
    Reference: Germain et al. 2015, MADE, arXiv:1502.03509, eq. 1-3.
    """

    @property
    def num_params(self) -> int:
        """1: the log-odds a."""
        return 1

    @property
    def values(self) -> int:
        """2."""
        return 2

    def log_prob(self, params: Array, x: Array) -> Array:
        """Return the log-probability; see `ConditionalLaw`."""
        return discrete.bernoulli(x, params[0])

    def noise(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return a uniform number for each element; see `ConditionalLaw`."""
        return jr.uniform(key, (*shape, 1), dtype)

    def draw(self, params: Array, noise: Array) -> Array:
        """Return 1 where the noise is below sigmoid(a); see `ConditionalLaw`."""
        return (noise[0] < sigmoid(params[0])).astype(params.dtype)

    def seen(self, x: Array) -> Array:
        """Return x itself, as in the paper."""
        return x


class ConditionalCategorical(ConditionalLaw):
    """P(x = k) = softmax(params)[k] for k = 0 to K - 1: all alike at parameters zero. `log_prob` is log P.

    A network sees the codes as numbers evenly spaced in [-1, 1].

    Args:
        values: the number of codes, K.

    Raises:
        ConfigError: if that is no whole number of at least 2.

    Gradients: finite; zero with respect to x. Draws have none.
    """

    values: int = eqx.field(static=True, default=2)

    def __check_init__(self) -> None:
        if type(self.values) is not int or self.values < 2:
            raise ConfigError(
                f"ConditionalCategorical: expected values to be a whole number of at least 2, got {self.values!r}."
            )

    @property
    def num_params(self) -> int:
        """K: the logits."""
        return self.values

    def log_prob(self, params: Array, x: Array) -> Array:
        """Return the log-probability; see `ConditionalLaw`."""
        return discrete.categorical(x, params)

    def noise(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return a uniform number for each element; see `ConditionalLaw`."""
        return jr.uniform(key, (*shape, 1), dtype)

    def draw(self, params: Array, noise: Array) -> Array:
        """Return the code in which the noise falls; see `ConditionalLaw`."""
        return discrete.choose(noise[0], params).astype(params.dtype)

    def seen(self, x: Array) -> Array:
        """Return 2 x / (K - 1) - 1."""
        return (2 / (self.values - 1)) * x - 1
