"""Mixtures of normals."""

from typing import Literal, get_args

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..errors import ConfigError, ShapeError
from ..numerics.densities import HALF_LOG_2_PI
from ..numerics.elementary import hold, standardise
from ..numerics.products import matmul, precision
from ..numerics.triangular import inverse_unit_lower, pack_factor, unit_lower
from .closed_form import ClosedForm
from .normal import REACH
from .parameters import check_finite, check_positive, cholesky, same_dtype, square_root

CovarianceType = Literal["full", "tied", "diag", "spherical"]


class NormalMixture(ClosedForm):
    """A mixture of normals: log p(x) = log sum_k exp(log weight_k + log N(x; mean_k, covariance_k)).

    The covariance of component k is F F^T, F = diag(scale) U with U unit lower triangular, as in
    `MultivariateNormal`. The trainable parameters are `logits` (the weights are their softmax), `means`,
    `log_scales` and, unless the covariances are diagonal, `lowers`, the entries of each U below the diagonal.

    The arguments are those of scikit-learn's fitted `GaussianMixture`:
    `NormalMixture(m.weights_, m.means_, m.covariances_, covariance_type=m.covariance_type)` has its density.

    Args:
        weights: positive, shape (K,); need not sum to one.
        means: shape (K, d).
        covariances: symmetric and positive definite. Factored in float64.
        covariance_type: what `covariances` holds: "full" a matrix per component, shape (K, d, d); "tied" one
            matrix for all, (d, d); "diag" variances, (K, d); "spherical" one variance per component, (K,).
            Tied and spherical ones become parameters of every component.

    Raises:
        ShapeError: if the shapes do not fit each other.
        ConfigError: if the type is unknown, a value not finite, a weight or variance not positive, or a
            covariance not symmetric and positive definite.

    Gradients: finite for every finite x; zero beyond 2^48 standard deviations from all means (float32), see
        `normal.REACH`.
    Accuracy: tests/distributions/test_mixture.py::test_log_prob_matches_scikit_learn.
    """

    logits: Array
    means: Array
    log_scales: Array
    lowers: Array | None

    def __init__(
        self,
        weights: ArrayLike,
        means: ArrayLike,
        covariances: ArrayLike,
        *,
        covariance_type: CovarianceType = "full",
    ) -> None:
        weights, self.means, like = same_dtype(weights, means, covariances)
        _check_shapes(weights, self.means, like, covariance_type)
        for name, values in (("weights", weights), ("means", self.means), ("covariances", covariances)):
            check_finite("NormalMixture", name, values)
        check_positive("NormalMixture", "weights", weights)
        self.logits = jnp.log(weights) - jnp.log(jnp.sum(weights))
        # The covariances as given: rounded to float32, an ill-conditioned one may have no factor.
        if covariance_type in ("diag", "spherical"):
            check_positive("NormalMixture", "covariances", covariances)
            scales = square_root(covariances).astype(like.dtype)
            self.log_scales, self.lowers = _spread(jnp.log(scales), self.means.shape), None
        else:
            factors = cholesky("NormalMixture", covariances).astype(like.dtype)
            self.log_scales, self.lowers = _pack(factors, self.means.shape)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event: (d,)."""
        return self.means.shape[1:]

    @property
    def weights(self) -> Array:
        """Probabilities of the components, shape (K,)."""
        return jax.nn.softmax(self.logits)

    @property
    def covariances(self) -> Array:
        """Covariances of the components, shape (K, d, d)."""
        factors = self._factors()
        return matmul(factors, jnp.swapaxes(factors, 1, 2))

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        del context
        # As in MultivariateNormal: the product may enlarge a held number, and would be inf - inf at infinity.
        finite = jnp.where(jnp.isinf(x), 0.0, x)
        z = standardise(finite, self.means, self.log_scales, reach=REACH)
        if self.lowers is not None:
            inverses = inverse_unit_lower(self.lowers, x.shape[0])
            z = hold(jnp.einsum("kij,kj->ki", inverses, z, precision=precision()), reach=REACH)
        terms = jnp.sum(-0.5 * jnp.square(z) - self.log_scales, axis=1) - x.shape[0] * HALF_LOG_2_PI
        # Every term is finite, so the logarithm is of a sum with one term exp(0).
        log_prob = jax.nn.logsumexp(jax.nn.log_softmax(self.logits) + terms)
        return jnp.where(jnp.any(jnp.isinf(x)), -jnp.inf, log_prob)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        key_component, key_normal = jr.split(key)
        component = jr.categorical(key_component, self.logits)
        z = jr.normal(key_normal, self.event_shape, self.means.dtype)
        # Every component's product, then one of them: to pick the factor first would copy a matrix per event.
        steps = self._scales() * z if self.lowers is None else matmul(self._factors(), z)
        x = self.means[component] + steps[component]
        return x, self._log_prob(x, context)

    def mean(self) -> Array:
        """sum_k weight_k mean_k, shape (d,)."""
        return matmul(self.weights, self.means)

    def variance(self) -> Array:
        """sum_k weight_k (variance_k + (mean_k - mean)^2), shape (d,)."""
        variances = jnp.sum(jnp.square(self._factors()), axis=2)
        return matmul(self.weights, variances + jnp.square(self.means - self.mean()))

    def _scales(self) -> Array:
        return jnp.exp(self.log_scales)

    def _factors(self) -> Array:
        """Return the Cholesky factors, shape (K, d, d)."""
        size = self.means.shape[1]
        identity = jnp.eye(size, dtype=self.means.dtype)
        return self._scales()[:, :, None] * (
            identity if self.lowers is None else unit_lower(self.lowers, size)
        )


def _check_shapes(weights: Array, means: Array, covariances: Array, covariance_type: str) -> None:
    """Raise unless the shapes are those of K components in d dimensions."""
    if covariance_type not in get_args(CovarianceType):
        raise ConfigError(
            f"NormalMixture: expected covariance_type to be one of {', '.join(get_args(CovarianceType))}, "
            f"got {covariance_type!r}."
        )
    if weights.ndim != 1 or means.ndim != 2 or means.shape[0] != weights.shape[0] or means.size == 0:
        raise ShapeError(
            f"NormalMixture: expected weights of shape (K,) and means of shape (K, d), got weights of shape "
            f"{weights.shape}, means of shape {means.shape}."
        )
    count, size = means.shape
    shapes = {"full": (count, size, size), "tied": (size, size), "diag": (count, size), "spherical": (count,)}
    if covariances.shape != shapes[covariance_type]:
        raise ShapeError(
            f"NormalMixture: expected {covariance_type} covariances of shape {shapes[covariance_type]} for "
            f"means of shape {means.shape}, got shape {covariances.shape}. "
            "Say what they hold with covariance_type."
        )


def _spread(log_scales: Array, shape: tuple[int, ...]) -> Array:
    """Return log scales of shape (K, d) or (K,) as (K, d)."""
    return jnp.broadcast_to(log_scales.reshape(shape[0], -1), shape)


def _pack(factors: Array, shape: tuple[int, ...]) -> tuple[Array, Array | None]:
    """Return the parameters of factors of shape (K, d, d) or (d, d); for d = 1 there is no triangle."""
    log_scales, lowers = pack_factor(jnp.broadcast_to(factors, (*shape, shape[1])))
    return log_scales, lowers if shape[1] > 1 else None
