"""Named laws that are flows: a base law pushed forward through a fixed function."""

import abc
from typing import ClassVar

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..bijectors.base import as_float
from ..bijectors.elementwise import Elementwise
from ..bijectors.frozen import Frozen
from ..bijectors.scalar.functions import Exp, Sigmoid
from ..bijectors.simplex import SoftmaxCentered
from ..errors import ShapeError
from ..numerics import densities
from ..numerics.elementary import hold
from .base import Distribution
from .closed_form import ClosedForm
from .flow import Flow
from .normal import Normal
from .parameters import check_finite, check_positive, same_dtype


class NamedFlow(Distribution):
    """A law that is a flow without context. A subclass is final and says which.

    Attributes:
        flow: the same law as a `Flow`.
    """

    context_shape: ClassVar[None] = None

    @property
    @abc.abstractmethod
    def flow(self) -> Flow:
        """The law as a `Flow`."""

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event."""
        return self.flow.event_shape

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        return self.flow._log_prob(x, context)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        return self.flow._sample_and_log_prob(key, context)


class LogNormal(NamedFlow, ClosedForm):
    """Independent positive numbers whose logarithms are normal: log p(x) = log N(log x; loc, scale^2) - log x.

    -inf where a number is not above zero. The trainable parameters are those of the `Normal` in `normal`.

    Args:
        loc: mean of the logarithm.
        scale: its standard deviation, positive. The two broadcast to the shape of one event, of any rank.

    Raises:
        ShapeError: if the shapes do not broadcast.
        ConfigError: if a parameter is not finite or a scale not positive.

    Gradients: finite for every finite x.
    Accuracy: tests/distributions/test_named.py::test_log_prob_matches_scipy.
    """

    normal: Normal

    def __init__(self, loc: ArrayLike, scale: ArrayLike) -> None:
        self.normal = Normal(loc, scale)

    @property
    def flow(self) -> Flow:
        """Exp of a normal vector."""
        return Flow(self.normal, Elementwise(Exp(), self.normal.event_shape))

    def mean(self) -> Array:
        """exp(loc + scale^2 / 2)."""
        return jnp.exp(self.normal.loc + 0.5 * self.normal.variance())

    def variance(self) -> Array:
        """(exp(scale^2) - 1) mean^2."""
        return jnp.expm1(self.normal.variance()) * jnp.square(self.mean())


class LogitNormal(NamedFlow):
    """Independent numbers in (0, 1) whose log-odds are normal: log p(x) = log N(logit x; loc, scale^2) - log x(1 - x).

    -inf where a number is not between 0 and 1. Mean and variance have no closed form. The trainable parameters are
    those of the `Normal` in `normal`. A draw with log-odds above 17 rounds to 1 in float32, where the density is zero,
    while `sample_and_log_prob` gives that of the number before it was rounded.

    Args:
        loc: mean of the log-odds, and log-odds of the median.
        scale: their standard deviation, positive. The two broadcast to the shape of one event, of any rank.

    Raises:
        ShapeError: if the shapes do not broadcast.
        ConfigError: if a parameter is not finite or a scale not positive.

    Gradients: finite for every finite x.
    Accuracy: tests/distributions/test_named.py::test_log_prob_matches_scipy.
    """

    normal: Normal

    def __init__(self, loc: ArrayLike, scale: ArrayLike) -> None:
        self.normal = Normal(loc, scale)

    @property
    def flow(self) -> Flow:
        """The sigmoid of a normal vector."""
        return Flow(self.normal, Elementwise(Sigmoid(), self.normal.event_shape))


class ExpConcrete(Distribution):
    """The law of log(x_k / x_n), k < n, of a relaxed one-hot vector x of n numbers: ((logits + g)_k - (...)_n) / t.

    g are n independent standard Gumbel numbers. Where the temperature t is low, x is zero and one to rounding, while
    these ratios, and densities at them, stay exact: it is the law to compute with. `RelaxedOneHotCategorical` is its
    image under the softmax.

    Args:
        temperature: t, positive; fixed, not trained.
        logits: log-probabilities of the n > 1 categories up to a constant, shape (n,). They are trained.

    Raises:
        ShapeError: if the logits are no vector of at least two.
        ConfigError: if an argument is not finite, or the temperature not positive.

    Gradients: finite for every finite x; zero beyond 2^112 in float32.
    Accuracy: tests/distributions/test_relaxed.py::test_density_is_the_papers.
    Reference: Maddison et al. 2017, The Concrete Distribution, arXiv:1611.00712, eq. 10 and appendix C.3; Jang et al.
        2017, Categorical Reparameterization with Gumbel-Softmax, arXiv:1611.01144, eq. 2.
    """

    context_shape: ClassVar[None] = None
    logits: Array
    temperature: Frozen

    def __init__(self, temperature: ArrayLike, logits: ArrayLike) -> None:
        self.logits, temperature = same_dtype(as_float(logits), temperature)
        if self.logits.ndim != 1 or self.logits.shape[0] < 2 or temperature.shape:
            raise ShapeError(
                "ExpConcrete: expected logits of shape (n,) with n > 1 and one temperature, got shapes "
                f"{self.logits.shape} and {temperature.shape}."
            )
        for name, value in (("temperature", temperature), ("logits", self.logits)):
            check_finite("ExpConcrete", name, value)
        check_positive("ExpConcrete", "temperature", temperature)
        self.temperature = Frozen(temperature)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event: (n - 1,)."""
        return (self.logits.shape[0] - 1,)

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        del context
        held = hold(jnp.where(jnp.isinf(x), 0.0, x), reach=3 / 4)
        log_prob = densities.log_ratios_of_relaxed(held, self.logits, self.temperature.value)
        return jnp.where(jnp.any(jnp.isinf(x)), -jnp.inf, log_prob)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        noisy = self.logits + jr.gumbel(key, self.logits.shape, self.logits.dtype)
        x = (noisy[:-1] - noisy[-1]) / self.temperature.value
        return x, self._log_prob(x, context)


class RelaxedOneHotCategorical(NamedFlow):
    """The Concrete or Gumbel-softmax law: softmax((logits + g) / t), with g standard Gumbel numbers, of n > 1 numbers.

    Events are n positive numbers that sum to one; densities are with respect to the first n - 1 of them, as in
    `SoftmaxCentered`. As the temperature t goes to 0, draws go to one-hot vectors of the categories' probabilities.
    Draws are smooth in the logits. `ratios` is the same law before the softmax, exact at low temperatures.

    Args:
        temperature: t, positive; fixed, not trained.
        logits: log-probabilities of the n categories up to a constant, shape (n,). They are trained.

    Raises:
        ShapeError: if the logits are no vector of at least two.
        ConfigError: if an argument is not finite, or the temperature not positive.

    Gradients, accuracy, reference: see `ExpConcrete`.
    """

    ratios: ExpConcrete

    def __init__(self, temperature: ArrayLike, logits: ArrayLike) -> None:
        self.ratios = ExpConcrete(temperature, logits)

    @property
    def flow(self) -> Flow:
        """The softmax of the log-ratios."""
        return Flow(self.ratios, SoftmaxCentered(self.ratios.logits.shape[0]))
