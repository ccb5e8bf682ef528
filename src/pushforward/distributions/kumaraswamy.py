"""The Kumaraswamy law on (0, 1): like the beta law, but with a closed-form quantile."""

import math

import jax.numpy as jnp
import jax.random as jr
from jax.scipy.special import gammaln
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..numerics import densities
from .closed_form import ClosedForm
from .parameters import check_positive, event_parameters


class Kumaraswamy(ClosedForm):
    """Independent Kumaraswamy laws: log p(x) = sum(log(a b) + (a - 1) log x + (b - 1) log(1 - x^a)), 0 < x < 1.

    It is the law of (1 - (1 - u)^(1/b))^(1/a), u uniform on (0, 1); draws are smooth in a and b. The trainable
    parameters are `log_a` and `log_b`.

    Args:
        a: positive.
        b: positive. The two broadcast to the shape of one event, of any rank.

    Raises:
        ShapeError: if the shapes do not broadcast.
        ConfigError: if a parameter is not finite or not positive.

    Gradients: finite for every finite x; zero outside of (0, 1), where the log-density is -inf.
    Accuracy: tests/distributions/test_named.py::test_log_prob_matches_scipy. A draw may round to 0 or 1, where the
        density is zero, while `sample_and_log_prob` gives that of the number before it was rounded.
    Reference: see `numerics.densities.kumaraswamy`; moments: Jones 2009, Kumaraswamy's distribution, Statistical
        Methodology 6(1), eq. 3.
    """

    log_a: Array
    log_b: Array

    def __init__(self, a: ArrayLike, b: ArrayLike) -> None:
        a, b = event_parameters("Kumaraswamy", a=a, b=b)
        check_positive("Kumaraswamy", "a", a)
        check_positive("Kumaraswamy", "b", b)
        self.log_a, self.log_b = jnp.log(a), jnp.log(b)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event: the parameters'."""
        return self.log_a.shape

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        del context
        outside = (x <= 0) | (x >= 1)
        log_x = jnp.log(jnp.where(outside, 0.5, x))  # of a number in (0, 1)
        terms = densities.kumaraswamy(log_x, self.log_a, self.log_b)
        return jnp.sum(jnp.where(outside, -jnp.inf, terms))

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        del context
        # With v = -log(1 - u), a standard exponential number, x^a = 1 - exp(-v / b). v = 0 may be drawn, whose
        # logarithm does not exist.
        dtype = self.log_a.dtype
        v = jnp.maximum(jr.exponential(key, self.event_shape, dtype), jnp.finfo(dtype).eps)
        log_x = jnp.exp(-self.log_a) * densities.log_one_minus_exp(v * jnp.exp(-self.log_b))
        # Held off zero, which a draw with a large b and a small a rounds to.
        log_x = jnp.clip(log_x, math.log(float(jnp.finfo(dtype).tiny)), -float(jnp.finfo(dtype).epsneg))
        return jnp.exp(log_x), jnp.sum(densities.kumaraswamy(log_x, self.log_a, self.log_b))

    def mean(self) -> Array:
        """B B(1 + 1/a, b), with the beta function."""
        return self._moment(1)

    def variance(self) -> Array:
        """B B(1 + 2/a, b) - mean^2."""
        return self._moment(2) - jnp.square(self._moment(1))

    def _moment(self, order: int) -> Array:
        b, first = jnp.exp(self.log_b), 1.0 + order * jnp.exp(-self.log_a)
        return jnp.exp(self.log_b + gammaln(first) + gammaln(b) - gammaln(first + b))
