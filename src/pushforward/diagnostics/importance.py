"""Importance sampling with a flow as the proposal: the normaliser of a density, and how far to trust it."""

import math
import warnings
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ..distributions.base import Distribution
from ..errors import ConfigError, DomainError, ShapeError
from ..objectives.reverse_kl import LogDensity

LEAST = 100
"""With fewer effective draws, `log_normalizer` warns."""


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


def log_normalizer(
    flow: Distribution, log_density: LogDensity, key: PRNGKeyArray, samples: int = 10_000
) -> LogNormalizer:
    """Estimate log Z = log of the integral of p~, by draws x from q with the weights w = p~(x) / q(x).

    The estimate is log(mean w). It knows what the draws know: a mode of the density in which the flow never draws is
    missing in Z, and nothing here can tell. A flow fitted by reverse KL may miss one.

    Args:
        flow: q, a law without context; its support should cover the target's.
        log_density: log p~ of one event, in nats; -inf where it is zero.
        key: for the draws.
        samples: how many draws, at least 2.

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
    if type(samples) is not int or samples < 2:
        raise ConfigError(
            f"log_normalizer: expected samples to be a whole number of at least 2, got {samples!r}."
        )
    if flow.context_shape is not None:
        raise ConfigError(
            f"log_normalizer: expected a flow without context, got one with contexts of shape {flow.context_shape}."
        )
    x, log_q = flow.sample_and_log_prob(key, (samples,))
    log_p = np.asarray(jax.jit(jax.vmap(log_density))(x), np.float64)
    if log_p.shape != (samples,):
        raise ShapeError(
            f"log_normalizer: expected a log_density that returns one number, got shape {log_p.shape[1:]}."
        )
    log_weights = log_p - np.asarray(log_q, np.float64)
    bad = int(np.sum(np.isnan(log_weights) | (log_weights == math.inf)))
    if bad or not np.isfinite(log_weights).any():
        what = f"{bad} that are NaN or infinite" if bad else "none above zero"
        raise DomainError(f"log_normalizer: expected finite weights, got {what} among {samples} draws.")
    top = float(np.max(log_weights))
    weights = np.exp(log_weights - top)
    total = float(np.sum(weights))  # at least 1, the largest weight's
    effective = total**2 / float(np.sum(weights**2))
    if effective < LEAST:
        warnings.warn(
            f"log_normalizer: {samples} draws count as {effective:.1f} effective ones, too few to trust the estimate. "
            "Take more draws, or a flow that is closer to the density.",
            RuntimeWarning,
            stacklevel=2,
        )
    error = math.sqrt(max(1 / effective - 1 / samples, 0.0))
    return LogNormalizer(top + math.log(total / samples), error, effective, float(np.mean(log_weights)))
