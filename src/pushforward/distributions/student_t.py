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

    log p(x) = sum(log(Gamma((df + 1)/2) / Gamma(df/2)) - log(df pi)/2 - (df + 1)/2 * log(1 + z^2/df)
    - log scale), z = (x - loc) / scale. df = 1 is Cauchy's law, and df -> inf the normal: at df = 1e6 the two
    log-densities differ by about z^4 / 4e6.

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
        z = _standard_draw(key, self.df)
        largest = float(jnp.finfo(z.dtype).max)
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


def _standard_draw(key: PRNGKeyArray, df: Array) -> Array:
    """Draw from the law with location 0 and scale 1, of the shape of df.

    A point of the bivariate law with df degrees of freedom has a uniform angle and a radius with
    P(radius > r) = (1 + r^2 / df)^(-df/2), so radius^2 = df * (u^(-2/df) - 1); its first coordinate is the
    draw. No rejection, and smooth in df. Draws beyond e^-12 times the largest float, which leaves room for
    the scale and for derivatives, are held there; above df = 0.21 there are none.

    Reference: Bailey 1994, Polar generation of random variates with the t-distribution, Mathematics of
        Computation 62(206), 779-781.
    """
    key_radius, key_angle = jr.split(key)
    # With e = -log u > 0: radius = sqrt(df) exp(e / df) sqrt(1 - exp(-2 e / df)). The last root is of a
    # positive number, about 2 e / df when df is large. e = 0 may be drawn, where the root has no derivative.
    e = jnp.maximum(jr.exponential(key_radius, df.shape, df.dtype), jnp.finfo(df.dtype).eps)
    # Half a circle is enough: on the other half the cosine has the same law.
    angle = jnp.pi * jr.uniform(key_angle, df.shape, df.dtype)
    growth = jnp.minimum(e / df, math.log(float(jnp.finfo(df.dtype).max)) - 12.0)
    radius = jnp.sqrt(df) * jnp.exp(growth) * jnp.sqrt(-jnp.expm1(-2.0 * e / df))
    return hold(radius * jnp.cos(angle), reach=REACH)
