"""Student's t, with degrees of freedom that are learned for every dimension."""

import math

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..numerics import densities
from ..numerics.elementary import hold, standardise
from .closed_form import ClosedForm
from .parameters import check_positive, event_parameters

REACH = 31 / 32
"""A standardised number is held at the largest float to this power: 2^124 in float32."""


class StudentT(ClosedForm):
    """Independent Student's t laws, with df degrees of freedom, for heavy tails of unknown weight.

    log p(x) = sum(log(Gamma((df + 1)/2) / Gamma(df/2)) - log(df pi)/2 - (df + 1)/2 * log(1 + z^2/df) - log
    scale), z = (x - loc) / scale. df = 1 is Cauchy's law, and df -> inf the normal: at df = 1e6 the two
    differ by less than float32 can show.

    The trainable parameters are `log_df`, `loc` and `log_scale`: df lives on a logarithmic scale, from 0.1 to
    1e6 and beyond.

    Args:
        df: degrees of freedom, positive.
        loc: median.
        scale: positive; the standard deviation is sqrt(df / (df - 2)) times as large, for df > 2. The three
            broadcast to the shape of one event, of any rank.

    Raises:
        ShapeError: if the shapes do not broadcast.
        ConfigError: if a parameter is not finite, or df or scale not positive.

    Gradients: finite for every finite x, with respect to all parameters; zero beyond 2^124 scales (float32).
    Accuracy: see `numerics.densities.student_t`
        (tests/distributions/test_student_t.py::test_log_prob_matches_scipy).
    """

    log_df: Array
    loc: Array
    log_scale: Array

    def __init__(self, df: ArrayLike, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> None:
        df, self.loc, scale = event_parameters("StudentT", df=df, loc=loc, scale=scale)
        check_positive("StudentT", "df", df)
        check_positive("StudentT", "scale", scale)
        self.log_df, self.log_scale = jnp.log(df), jnp.log(scale)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event: the parameters'."""
        return self.loc.shape

    @property
    def df(self) -> Array:
        """Degrees of freedom, shape `event_shape`."""
        return jnp.exp(self.log_df)

    @property
    def scale(self) -> Array:
        """Scale, shape `event_shape`."""
        return jnp.exp(self.log_scale)

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        del context
        z = standardise(x, self.loc, self.log_scale, reach=REACH)
        return jnp.sum(densities.student_t(z, self.df) - self.log_scale)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        del context
        key_normal, key_gamma = jr.split(key)
        shape, dtype = self.loc.shape, self.loc.dtype
        normal = jr.normal(key_normal, shape, dtype)
        # z = normal / sqrt(g / (df/2)), g from Gamma(df/2). In logarithms: at df = 0.1 one g in a hundred is
        # below the smallest float32, and one z in ten thousand above the largest: these are held at the
        # largest.
        log_gamma = jr.loggamma(key_gamma, 0.5 * self.df, shape, dtype)
        largest = float(jnp.finfo(dtype).max)
        log_ratio = jnp.minimum(0.5 * (self.log_df - densities.LOG_2 - log_gamma), math.log(largest) - 4.0)
        z = hold(normal * jnp.exp(log_ratio), reach=REACH)
        x = jnp.clip(self.loc + self.scale * z, -largest, largest)
        return x, jnp.sum(densities.student_t(z, self.df) - self.log_scale)

    def mean(self) -> Array:
        """The location where df > 1, else nan."""
        return jnp.where(self.df > 1, self.loc, jnp.nan)

    def variance(self) -> Array:
        """scale^2 df / (df - 2) where df > 2, inf where 1 < df <= 2, else nan."""
        df = self.df
        finite = jnp.square(self.scale) * df / jnp.where(df > 2, df - 2, 1.0)
        return jnp.where(df > 2, finite, jnp.where(df > 1, jnp.inf, jnp.nan))
