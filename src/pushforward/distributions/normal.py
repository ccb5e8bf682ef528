"""Normal laws: standard, diagonal and with a full covariance."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..bijectors.base import as_float
from ..errors import ConfigError, ShapeError
from ..numerics import densities
from ..numerics.elementary import hold, standardise
from ..numerics.products import matmul
from ..numerics.triangular import inverse_unit_lower, pack_factor, unit_lower
from .closed_form import ClosedForm
from .parameters import check_finite, check_lower, check_positive, cholesky, location_scale, same_dtype

REACH = 3 / 8
"""A standardised number z is held at the largest float to this power: 2^48 in float32, where z^2 is 2^96.

No finite point overflows, however many elements an event has: beyond 2^48 standard deviations the log-density
keeps its value there, about -4e28, with a zero gradient."""


class StandardNormal(ClosedForm):
    """Independent standard normals: log p(x) = -sum(x^2 + log(2 pi)) / 2.

    Finite for every finite x (see `REACH`), -inf at infinity.

    Args:
        event_shape: shape of one event, of any rank.
    """

    event_shape: tuple[int, ...] = eqx.field(static=True, converter=tuple)

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        del context
        return jnp.sum(densities.normal(hold(x, reach=REACH)))

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        x = jr.normal(key, self.event_shape)
        return x, self._log_prob(x, context)

    def mean(self) -> Array:
        """Zeros, of shape `event_shape`."""
        return jnp.zeros(self.event_shape)

    def variance(self) -> Array:
        """Ones, of shape `event_shape`."""
        return jnp.ones(self.event_shape)


class Normal(ClosedForm):
    """Independent normals: log p(x) = -sum(z^2 + log(2 pi)) / 2 - sum(log scale), z = (x - loc) / scale.

    The trainable parameters are `loc` and `log_scale`. The exponential keeps the scale positive, changes it
    in proportion whatever the unit, and makes the log-determinant a plain sum.

    Args:
        loc: mean.
        scale: standard deviation, positive. The two broadcast to the shape of one event, of any rank.

    Raises:
        ShapeError: if the shapes do not broadcast.
        ConfigError: if a parameter is not finite or a scale not positive.

    Gradients: finite for every finite x; zero beyond 2^48 standard deviations (float32), see `REACH`.
    Accuracy: float32, an error of (2 + |log p|) * (2 + |log scale|) * 5e-7
        (tests/distributions/test_normal.py::test_normal_matches_scipy).
    """

    loc: Array
    log_scale: Array

    def __init__(self, loc: ArrayLike, scale: ArrayLike) -> None:
        self.loc, self.log_scale = location_scale("Normal", loc, scale)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event: the parameters'."""
        return self.loc.shape

    @property
    def scale(self) -> Array:
        """Standard deviation, shape `event_shape`."""
        return jnp.exp(self.log_scale)

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        del context
        z = standardise(x, self.loc, self.log_scale, reach=REACH)
        return jnp.sum(densities.normal(z) - self.log_scale)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        del context
        z = jr.normal(key, self.loc.shape, self.loc.dtype)
        return self.loc + self.scale * z, jnp.sum(densities.normal(z) - self.log_scale)

    def mean(self) -> Array:
        """The location."""
        return self.loc

    def variance(self) -> Array:
        """The squared scale."""
        return jnp.square(self.scale)


class MultivariateNormal(ClosedForm):
    """The normal law with a full covariance: log p(x) = -sum(z^2 + log(2 pi)) / 2 - sum(log scale).

    The covariance is F F^T with the Cholesky factor F = diag(scale) U, U unit lower triangular, and
    z = U^-1 ((x - loc) / scale), so log|det F| = sum(log scale). The trainable parameters are `loc`,
    `log_scale` and `lower`, the entries of U below the diagonal row by row: pure numbers, whatever the units
    of x. `scale[i]` is the standard deviation of x[i] given x[:i].

    Args:
        loc: mean, shape (d,) or ().
        covariance: symmetric and positive definite, shape (d, d). Factored in float64.
        factor: the Cholesky factor F, lower triangular with a positive diagonal, in place of the covariance.

    Raises:
        ShapeError: if the shapes do not fit.
        ConfigError: unless exactly one of covariance and factor is given, or if it is not what it should be.

    Gradients: finite for every finite x; zero beyond 2^48 standard deviations (float32), see `REACH`.
    Accuracy: tests/distributions/test_normal.py::test_multivariate_matches_scipy.
    """

    loc: Array
    log_scale: Array
    lower: Array | None

    def __init__(
        self, loc: ArrayLike, covariance: ArrayLike | None = None, *, factor: ArrayLike | None = None
    ) -> None:
        matrix = _factor(covariance, factor)
        loc, matrix = same_dtype(loc, matrix)
        if loc.shape not in ((), matrix.shape[:1]):
            raise ShapeError(
                f"MultivariateNormal: expected loc of shape {matrix.shape[:1]} or (), got shape {loc.shape}."
            )
        check_finite("MultivariateNormal", "loc", loc)
        self.loc = jnp.broadcast_to(loc, matrix.shape[:1])
        self.log_scale, lower = pack_factor(matrix)
        self.lower = lower if matrix.shape[0] > 1 else None

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event: (d,)."""
        return self.loc.shape

    @property
    def factor(self) -> Array:
        """The Cholesky factor of the covariance, shape (d, d)."""
        scale = jnp.exp(self.log_scale)[:, None]
        return scale if self.lower is None else scale * unit_lower(self.lower, scale.shape[0])

    @property
    def covariance(self) -> Array:
        """The covariance, shape (d, d)."""
        return matmul(self.factor, self.factor.T)

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        del context
        # The product may enlarge a held number, so its result is held again; at infinity it would be inf -
        # inf.
        scaled = standardise(jnp.where(jnp.isinf(x), 0.0, x), self.loc, self.log_scale, reach=REACH)
        z = (
            scaled
            if self.lower is None
            else hold(matmul(inverse_unit_lower(self.lower, x.shape[0]), scaled), reach=REACH)
        )
        log_prob = jnp.sum(densities.normal(z) - self.log_scale)
        return jnp.where(jnp.any(jnp.isinf(x)), -jnp.inf, log_prob)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        del context
        z = jr.normal(key, self.loc.shape, self.loc.dtype)
        return self.loc + matmul(self.factor, z), jnp.sum(densities.normal(z) - self.log_scale)

    def mean(self) -> Array:
        """The location."""
        return self.loc

    def variance(self) -> Array:
        """The diagonal of the covariance, shape (d,)."""
        return jnp.sum(jnp.square(self.factor), axis=1)


def _factor(covariance: ArrayLike | None, factor: ArrayLike | None) -> Array:
    """Return the checked Cholesky factor that one of the two arguments gives."""
    who = "MultivariateNormal"
    if covariance is not None and factor is None:
        _check_square("covariance", as_float(covariance).shape)
        return cholesky(who, covariance)
    if factor is not None and covariance is None:
        matrix = as_float(factor)
        _check_square("factor", matrix.shape)
        check_finite(who, "factor", matrix)
        check_positive(who, "diagonal of factor", jnp.diagonal(matrix))
        check_lower(who, "factor", matrix)
        return matrix
    raise ConfigError(f"{who}: expected covariance or factor, got {'neither' if factor is None else 'both'}.")


def _check_square(name: str, shape: tuple[int, ...]) -> None:
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        raise ShapeError(f"MultivariateNormal: expected a {name} of shape (d, d), d >= 1, got shape {shape}.")
