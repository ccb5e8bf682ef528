"""Normal laws of one element, and mixtures of them."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jax.typing import DTypeLike
from jaxtyping import Array, PRNGKeyArray

from ...bijectors.scalar.base import check_bound
from ...errors import ConfigError
from ...numerics import densities, normal_mixtures
from ...numerics.elementary import soft_bound, standardise
from ..normal import REACH
from .base import ConditionalLaw


class ConditionalNormal(ConditionalLaw):
    """x = mean + exp(s) z with z standard normal; the standard normal law at parameters zero.

    The parameters are a raw log-scale a, s = bound * tanh(a / bound), and the mean, in the order of `Affine`.

    Args:
        bound: bound of the log-scale: standard deviations lie within exp(+-bound).

    Raises:
        ConfigError: if the bound is no positive number.

    Gradients: finite for every finite x; zero beyond 2^48 standard deviations (float32), see `normal.REACH`. Draws have
        the derivatives of mean + exp(s) z.
    Reference: Papamakarios et al. 2017, MAF, arXiv:1705.07057, eq. 3, where alpha is s, without a bound.
    """

    bound: float = eqx.field(static=True, default=5.0)

    def __check_init__(self) -> None:
        check_bound("ConditionalNormal", self.bound)

    @property
    def num_params(self) -> int:
        """2: the raw log-scale and the mean."""
        return 2

    @property
    def values(self) -> None:
        """None: every real number is possible."""
        return None

    def log_prob(self, params: Array, x: Array) -> Array:
        """Return the log-density; see `ConditionalLaw`."""
        log_scale = soft_bound(params[0], self.bound)
        return densities.normal(standardise(x, params[1], log_scale, reach=REACH)) - log_scale

    def noise(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return a standard normal number for each element; see `ConditionalLaw`."""
        return jr.normal(key, (*shape, 1), dtype)

    def draw(self, params: Array, noise: Array) -> Array:
        """Shift and scale the noise; see `ConditionalLaw`."""
        return params[1] + jnp.exp(soft_bound(params[0], self.bound)) * noise[0]

    def seen(self, x: Array) -> Array:
        """Return x itself."""
        return x


class ConditionalMixture(ConditionalLaw):
    """A mixture of C normals; nearly the standard normal law at parameters zero (`normal_mixtures.spread`).

    The parameters are C logits of the weights, C shifts of the means and C raw log-scales, the last two relative to
    where the components start. One component is `ConditionalNormal`, its parameters in another order.

    Args:
        components: how many normals, C.
        bound: bound of the change of each log-scale.

    Raises:
        ConfigError: if the number of components is no positive whole number, or the bound no positive number.

    Gradients: finite for every finite x; zero with respect to components further than 2^48 standard deviations
        (float32) away. Draws are reparametrised by the distribution function, see `normal_mixtures.draw`.
    Reference: Papamakarios et al. 2017, MAF, arXiv:1705.07057, section 4.1 (MADE MoG).
    """

    components: int = eqx.field(static=True, default=10)
    bound: float = eqx.field(static=True, default=5.0)

    def __check_init__(self) -> None:
        if type(self.components) is not int or self.components < 1:
            raise ConfigError(
                "ConditionalMixture: expected components to be a whole number of at least 1, "
                f"got {self.components!r}."
            )
        check_bound("ConditionalMixture", self.bound)

    @property
    def num_params(self) -> int:
        """3 C: logits, means and log-scales."""
        return 3 * self.components

    @property
    def values(self) -> None:
        """None: every real number is possible."""
        return None

    def log_prob(self, params: Array, x: Array) -> Array:
        """Return the log-density; see `ConditionalLaw`."""
        return normal_mixtures.log_density(x, *self._components(params), reach=REACH)

    def noise(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return a uniform and a standard normal number for each element; see `ConditionalLaw`."""
        chooses, moves = jr.split(key)
        return jnp.stack([jr.uniform(chooses, shape, dtype), jr.normal(moves, shape, dtype)], axis=-1)

    def draw(self, params: Array, noise: Array) -> Array:
        """Choose a component, then shift and scale the noise; see `ConditionalLaw`."""
        return normal_mixtures.draw(noise[0], noise[1], *self._components(params))

    def seen(self, x: Array) -> Array:
        """Return x itself."""
        return x

    def _components(self, params: Array) -> tuple[Array, Array, Array]:
        """Return logits, means and log-scales, shape (C, *shape) each."""
        logits, shifts, raw = params.reshape(3, self.components, *params.shape[1:])
        means, log_scale = normal_mixtures.spread(self.components)
        starts = jnp.asarray(means, params.dtype).reshape((-1,) + (1,) * (params.ndim - 1))
        return logits, starts + shifts, log_scale + soft_bound(raw, self.bound)
