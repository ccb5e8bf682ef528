"""Importance sampling with a flow as the proposal: normalisers, integrals, expectations, and how far to trust them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import PRNGKeyArray

from ..distributions.base import Distribution
from ..distributions.rows import map_rows
from ..errors import ConfigError, ShapeError
from ..objectives.reverse_kl import LogDensity
from .estimates import BLOCK, EventFunction, check_samples, values_of, weighed_draws
from .weights import LEAST, Weighted, warn_if_few

__all__ = ["LEAST", "Integral", "LogNormalizer", "integrate", "log_normalizer"]


class LogNormalizer(NamedTuple):
    """An estimate of log Z, the log of the integral of an unnormalised density.

    Attributes:
        value: the estimate, in nats.
        standard_error: its standard deviation, in nats, as far as the draws know.
        effective_samples: (sum w)^2 / sum w^2, from 1 to the number of draws: so many draws from the target itself
            would know about as much.
        elbo: mean of log p~ - log q over the draws, in nats: at most log Z, on average, and less by KL(q || p).
    """

    value: float
    standard_error: float
    effective_samples: float
    elbo: float


class Integral(NamedTuple):
    """An integral or expectation known from weighted draws.

    Attributes:
        value: the estimate.
        standard_error: its standard deviation, as far as the draws know.
        samples: how many draws.
        effective_samples: (sum w)^2 / sum w^2 of the weights, from 1 to the number of draws.
    """

    value: float
    standard_error: float
    samples: int
    effective_samples: float


def log_normalizer(
    flow: Distribution,
    log_density: LogDensity,
    key: PRNGKeyArray,
    samples: int = 10_000,
    *,
    block: int = BLOCK,
) -> LogNormalizer:
    """Estimate log Z = log of the integral of p~, by draws x from q with the weights w = p~(x) / q(x).

    The estimate is log(mean w). It knows what the draws know: a mode of the density in which the flow never draws is
    missing in Z, and nothing here can tell. A flow fitted by reverse KL may miss one.

    Args:
        flow: q, a law without context; its support should cover the target's.
        log_density: log p~ of one event, in nats; -inf where it is zero.
        key: for the draws.
        samples: how many draws, at least 2.
        block: draws held at a time.

    Returns:
        The estimate, its standard error sqrt(1 / effective_samples - 1 / samples) (the delta method), the effective
        number of draws, and the evidence lower bound.

    Warns:
        RuntimeWarning: with fewer than 100 effective draws, where neither estimate nor error can be trusted.

    Raises:
        ConfigError: if there are too few draws, or the flow takes a context.
        ShapeError: if the log-density is no single number.
        DomainError: if a weight is NaN or infinite, or all are zero.

    Reference: Kong 1992, A note on importance sampling using standardized weights, University of Chicago, technical
        report 348; Owen 2013, Monte Carlo theory, methods and examples, sections 9.2-9.3.
    """
    found = _weighed("log_normalizer", flow, log_density, None, key, samples, block)
    warn_if_few("log_normalizer", found.effective, samples)
    return LogNormalizer(found.log_mean, found.log_mean_error, found.effective, found.mean_log)


def integrate(
    function: EventFunction,
    flow: Distribution,
    key: PRNGKeyArray,
    samples: int = 10_000,
    *,
    log_density: LogDensity | None = None,
    block: int = BLOCK,
) -> Integral:
    """Estimate an integral of a function, or its expectation under a density, by draws x from a flow q.

    Without `log_density` this is the integral of f(x) dx over all x: the mean of f(x) / q(x), unbiased. The effective
    draws are those of the weights |f| / q: a flow proportional to |f| is best.

    With `log_density` this is E[f] under the density proportional to p~: sum(w f) / sum(w), w = p~(x) / q(x), with a
    bias of the order 1 / effective_samples. For an expectation under the flow itself use `expectation`.

    Where q is far smaller than |f| or p~ in a region, draws hardly ever fall there and the estimate misses it; the
    number of effective draws finds this only if at least one of them does.

    Args:
        function: f, of one event, to one finite number; traced by JAX.
        flow: q, a law without context, positive wherever the integrand is not zero.
        key: for the draws.
        samples: how many draws, at least 2.
        log_density: log p~ of one event, in nats, of a density that need not be normalised.
        block: draws held at a time; memory grows with it, not with `samples`.

    Returns:
        The estimate, its standard error, and the effective number of draws.

    Warns:
        RuntimeWarning: with fewer than 100 effective draws.

    Raises:
        ConfigError: if there are too few draws, or the flow takes a context.
        ShapeError: if a function returns no single number.
        DomainError: if the function is NaN at a draw, a weight is NaN or infinite, or all are zero.

    Accuracy: within 6 standard errors of closed forms (tests/diagnostics/test_importance.py).
    Reference: Owen 2013, Monte Carlo theory, methods and examples, eq. 9.3 (integrals), 9.6-9.8 (expectations).
    """
    found = _weighed("integrate", flow, log_density, function, key, samples, block)
    warn_if_few("integrate", found.effective, samples)
    value, error = found.mean() if log_density is None else found.ratio()
    return Integral(float(value), float(error), samples, found.effective)


def _weighed(
    who: str,
    flow: Distribution,
    log_density: LogDensity | None,
    function: EventFunction | None,
    key: PRNGKeyArray,
    samples: int,
    block: int,
) -> Weighted:
    """Weigh draws by p~ / q, or by |f| / q with the sign of f as their value."""
    check_samples(who, samples, block)
    if flow.context_shape is not None:
        raise ConfigError(
            f"{who}: expected a flow without context, got one with contexts of shape {flow.context_shape}."
        )
    found = Weighted()
    for x, log_q in weighed_draws(flow, key, samples, None, block):
        values = np.ones(len(x)) if function is None else values_of(who, function, x)
        if log_density is None:
            with np.errstate(divide="ignore"):  # f = 0 has the weight 0
                found.add(np.log(np.abs(values)) - log_q, np.sign(values))
        else:
            found.add(_log_density(who, log_density, x) - log_q, values)
    found.check(who)
    return found


def _log_density(who: str, log_density: LogDensity, x: np.ndarray) -> np.ndarray:
    log_p = np.asarray(map_rows(log_density, (x,)), np.float64)
    if log_p.shape != x.shape[:1]:
        raise ShapeError(
            f"{who}: expected a log_density that returns one number, got shape {log_p.shape[1:]}."
        )
    return log_p
