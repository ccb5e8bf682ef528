"""Linear bijectors."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

from .base import Bijector, Cheap


class LU(Bijector):
    """y = L U x + shift, with L unit lower triangular and U upper triangular with a positive diagonal.

    log|det| = sum(log diag U). Both directions cost O(features^2): forward one product, inverse two
    triangular solves. A fixed permutation, the paper's P, is a `Permute` next to it.

    Args:
        features: size of the event.
        key: draws small off-diagonal entries; the identity without it.

    Reference: Durkan et al. 2019, arXiv:1906.04032, section 4 (after Oliva et al. 2018, arXiv:1801.09819).
    """

    lower: Array
    upper: Array
    log_diagonal: Array
    shift: Array
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(self, features: int, *, key: PRNGKeyArray | None = None) -> None:
        shape = (features, features)
        if key is None:
            self.lower, self.upper = jnp.zeros(shape), jnp.zeros(shape)
        else:
            first, second = jr.split(key)
            bound = 0.1 / features**0.5
            self.lower = jnp.tril(jr.uniform(first, shape, minval=-bound, maxval=bound), -1)
            self.upper = jnp.triu(jr.uniform(second, shape, minval=-bound, maxval=bound), 1)
        self.log_diagonal = jnp.zeros(features)
        self.shift = jnp.zeros(features)
        self.in_shape = (features,)
        self.context_shape = None
        self.cheap = "both"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Multiply by L U and shift; see `Bijector`."""
        del context, key
        lower, upper = self._factors()
        # The product of the factors does not depend on the event: under vmap it is formed once for the batch.
        return (lower @ upper) @ x + self.shift, jnp.sum(self.log_diagonal)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Solve the two triangular systems; see `Bijector`."""
        del context, key
        lower, upper = self._factors()
        solve = jax.scipy.linalg.solve_triangular
        x = solve(upper, solve(lower, y - self.shift, lower=True, unit_diagonal=True))
        return x, -jnp.sum(self.log_diagonal)

    def _factors(self) -> tuple[Array, Array]:
        identity = jnp.eye(self.in_shape[0], dtype=self.lower.dtype)
        diagonal = jnp.diag(jnp.exp(self.log_diagonal))
        return jnp.tril(self.lower, -1) + identity, jnp.triu(self.upper, 1) + diagonal
