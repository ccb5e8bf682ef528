"""Linear bijectors made of triangles: LU, Triangular, PLU and TriangularLowRank; a diagonal one is `ActNorm`."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError
from ..numerics import linalg
from ..numerics.products import matmul
from .base import Bijector, Cheap, check_features


class LU(Bijector):
    """y = L U x + shift, with L unit lower triangular and U upper triangular with a positive diagonal.

    log|det| = sum(log diag U). Both directions cost O(features^2): forward one product, inverse two
    triangular solves. A fixed permutation, the paper's P, is a `Permute` next to it.

    Args:
        features: size of the event.
        key: draws small off-diagonal entries; the identity without it.

    Raises:
        ConfigError: if features is no whole number above 0.

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
        check_features("LU", features)
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
        return matmul(matmul(lower, upper), x) + self.shift, jnp.sum(self.log_diagonal)

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


class Linear(Bijector):
    """y = W x + shift with an invertible matrix W. A subclass says how W multiplies, solves, and its log|det W|.

    None of the three is a dense operation of order features^3 for each event: what does not depend on the event is
    found once for a batch under `jax.vmap`. `docs/linear.md` has the costs.
    """

    shift: eqx.AbstractVar[Array]

    @property
    def in_shape(self) -> tuple[int, ...]:
        """Shape of x: a vector."""
        return self.shift.shape

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    @property
    def context_shape(self) -> None:
        """None: it takes no context."""
        return None

    @property
    def cheap(self) -> Cheap:
        """Both directions."""
        return "both"

    @abc.abstractmethod
    def _multiply(self, x: Array) -> tuple[Array, Array]:
        """Return W x, and log|det W| in nats."""

    @abc.abstractmethod
    def _solve(self, y: Array) -> tuple[Array, Array]:
        """Return W^-1 y, and log|det W| in nats: of W, not of its inverse."""

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Multiply by W and shift; see `Bijector`."""
        del context, key
        product, log_det = self._multiply(x)
        return product + self.shift, log_det

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Shift back and solve; see `Bijector`."""
        del context, key
        solution, log_det = self._solve(y - self.shift)
        return solution, -log_det


class Triangular(Linear):
    """y = T x + shift with T lower (or upper) triangular and a positive diagonal; log|det| = sum(log diag T).

    Args:
        features: size of the event.
        lower: T is lower triangular: y_i depends on x_1 ... x_i. Otherwise on x_i ... x_n.
        key: draws small off-diagonal entries; the identity without it.

    Raises:
        ConfigError: if features is no whole number above 0.
    """

    weights: Array
    log_diagonal: Array
    shift: Array
    lower: bool = eqx.field(static=True)

    def __init__(self, features: int, *, lower: bool = True, key: PRNGKeyArray | None = None) -> None:
        check_features("Triangular", features)
        self.weights = small(key, features)
        self.log_diagonal = jnp.zeros(features)
        self.shift = jnp.zeros(features)
        self.lower = lower

    def _multiply(self, x: Array) -> tuple[Array, Array]:
        return matmul(self._matrix(), x), jnp.sum(self.log_diagonal)

    def _solve(self, y: Array) -> tuple[Array, Array]:
        solution = linalg.solve_triangle(self._matrix(), y, lower=self.lower)
        return solution, jnp.sum(self.log_diagonal)

    def _matrix(self) -> Array:
        return linalg.triangle(self.weights, self.log_diagonal, lower=self.lower)


class PLU(Linear):
    """y = P L (U + diag(s)) x + shift: Glow's decomposition. P and the signs of s are fixed, the rest is learned.

    L is unit lower triangular, U strictly upper triangular; log|det| = sum(log|s|). With a key it starts as a random
    rotation of which P, L, U and s are the decomposition, as in the paper. A permutation cannot be learned by
    gradients; this map starts with a random one and learns how to mix around it.

    Args:
        features: size of the event.
        key: draws the rotation; the identity without it.

    Raises:
        ConfigError: if features is no whole number above 0.

    Reference: Kingma and Dhariwal 2018, Glow, arXiv:1807.03039, eq. 10 and 11.
    """

    lower: Array
    upper: Array
    log_diagonal: Array
    shift: Array
    negative: Array
    order: Array
    inverse_order: Array

    def __init__(self, features: int, *, key: PRNGKeyArray | None = None) -> None:
        check_features("PLU", features)
        start = jnp.eye(features)
        if key is not None:
            start = jnp.linalg.qr(jr.normal(key, (features, features)))[0]
        packed, _, permutation = jax.lax.linalg.lu(start)  # start[permutation] = L U
        self.lower, self.upper = jnp.tril(packed, -1), jnp.triu(packed, 1)
        diagonal = jnp.diagonal(packed)  # not zero: a rotation is regular
        self.log_diagonal, self.negative = jnp.log(jnp.abs(diagonal)), diagonal < 0
        self.shift = jnp.zeros(features)
        self.inverse_order = permutation.astype(jnp.int32)
        self.order = jnp.argsort(permutation).astype(jnp.int32)

    def _multiply(self, x: Array) -> tuple[Array, Array]:
        lower, upper = self._factors()
        return matmul(lower, matmul(upper, x))[self.order], jnp.sum(self.log_diagonal)

    def _solve(self, y: Array) -> tuple[Array, Array]:
        lower, upper = self._factors()
        solved = linalg.solve_triangle(lower, y[self.inverse_order], lower=True)
        return linalg.solve_triangle(upper, solved, lower=False), jnp.sum(self.log_diagonal)

    def _factors(self) -> tuple[Array, Array]:
        lower = linalg.unit_triangle(self.lower, lower=True)
        signs = jnp.where(self.negative, -1.0, 1.0).astype(lower.dtype)
        return lower, linalg.signed_triangle(self.upper, self.log_diagonal, signs)


class TriangularLowRank(Linear):
    """y = (M + V D V^T) x + shift: M lower triangular with a positive diagonal, V of `rank` columns, D diagonal.

    Always invertible, with a positive determinant, whatever the parameters: D is positive and its inverse is
    exp(raw) plus what V^T M^-1 V lacks of diagonal dominance; `numerics.linalg.low_rank_update` and `stiffness`
    have the formula and the proof. The determinant comes from the matrix determinant lemma, the inverse from Woodbury's
    identity. It starts near the identity: a V of zeros would have no gradient.

    Args:
        features: size of the event.
        rank: columns of V, r.
        key: draws V, normal with standard deviation 0.1 / sqrt(features).

    Raises:
        ConfigError: if features is no whole number above 0, or the rank none from 1 to features.

    Reference: Jang 2018, Normalizing Flows Tutorial, part 1 (blog.evjang.com/2018/01/nf1.html), whose matrix this
        is; there nothing keeps it from becoming singular.
    """

    weights: Array
    log_diagonal: Array
    vectors: Array
    raw: Array
    shift: Array

    def __init__(self, features: int, rank: int, *, key: PRNGKeyArray) -> None:
        check_features("TriangularLowRank", features)
        if type(rank) is not int or not 1 <= rank <= features:
            raise ConfigError(
                f"TriangularLowRank: expected a rank that is a whole number from 1 to {features}, got {rank!r}."
            )
        self.weights = jnp.zeros((features, features))
        self.log_diagonal = jnp.zeros(features)
        self.vectors = 0.1 / features**0.5 * jr.normal(key, (features, rank))
        self.raw = jnp.zeros(rank)
        self.shift = jnp.zeros(features)

    def _multiply(self, x: Array) -> tuple[Array, Array]:
        matrix = self._matrix()
        diagonal, _, added = linalg.low_rank_update(matrix, self.vectors, self.raw)
        product = matmul(matrix, x) + matmul(self.vectors, diagonal * matmul(self.vectors.T, x))
        return product, jnp.sum(self.log_diagonal) + added

    def _solve(self, y: Array) -> tuple[Array, Array]:
        matrix = self._matrix()
        _, back, added = linalg.low_rank_update(matrix, self.vectors, self.raw)
        solved = linalg.solve_triangle(matrix, y, lower=True)
        return solved - matmul(back, matmul(self.vectors.T, solved)), jnp.sum(self.log_diagonal) + added

    def _matrix(self) -> Array:
        return linalg.triangle(self.weights, self.log_diagonal, lower=True)


def small(key: PRNGKeyArray | None, features: int) -> Array:
    """Return a square matrix of small random entries, of zeros without a key."""
    shape, bound = (features, features), 0.1 / features**0.5
    return jnp.zeros(shape) if key is None else jr.uniform(key, shape, minval=-bound, maxval=bound)
