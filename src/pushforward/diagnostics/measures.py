"""Measures of laws by Monte Carlo: entropy, Kullback-Leibler divergence, mean and covariance."""

from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray

from ..distributions.base import Distribution
from ..errors import ShapeError
from .estimates import BLOCK, Estimate, Estimates, Running, check_samples, draws, weighed_draws


class Moments(NamedTuple):
    """Mean and covariance of a law's events, taken flat.

    Attributes:
        mean: shape (n,), with n numbers in an event.
        covariance: shape (n, n).
    """

    mean: Estimates
    covariance: Estimates


def entropy(
    law: Distribution,
    key: PRNGKeyArray,
    samples: int = 10_000,
    *,
    context: ArrayLike | None = None,
    block: int = BLOCK,
) -> Estimate:
    """Estimate the differential entropy -E[log p(x)], x drawn from p, in nats.

    Of a law whose `log_prob` is a lower bound on the log-density this is an upper bound, on average. Of a law over
    whole numbers it is the entropy of its probabilities.

    Args:
        law: p.
        key: for the draws.
        samples: how many draws, at least 2.
        context: one condition, if the law takes one; the entropy is then that of p given it.
        block: draws held at a time; memory grows with it, not with `samples`.

    Returns:
        The estimate and its standard error.

    Raises:
        ConfigError: if there are too few draws.
        ShapeError: if the context does not fit.

    Accuracy: within 6 standard errors of closed forms (tests/diagnostics/test_measures.py).
    """
    check_samples("entropy", samples, block)
    running = Running()
    for _, log_prob in weighed_draws(law, key, samples, context, block):
        running.add(-log_prob)
    return running.estimate()


def kl(
    p: Distribution,
    q: Distribution,
    key: PRNGKeyArray,
    samples: int = 10_000,
    *,
    context: ArrayLike | None = None,
    block: int = BLOCK,
) -> Estimate:
    """Estimate the Kullback-Leibler divergence KL(p || q) = E[log p(x) - log q(x)], x drawn from p, in nats.

    The estimate is unbiased and may be below 0 by chance. It is infinite if q is 0 at a draw. Where q is very small on
    an event that p hardly ever draws, the divergence may be large and the estimate not.

    Args:
        p: what is drawn from.
        q: the other law, over events of the same shape.
        key: for the draws.
        samples: how many draws, at least 2.
        context: one condition, for those of the two that take one.
        block: draws held at a time; memory grows with it, not with `samples`.

    Returns:
        The estimate and its standard error; (inf, NaN) if q is 0 at a draw.

    Raises:
        ConfigError: if there are too few draws.
        ShapeError: if the laws' events have different shapes, or the context does not fit.

    Accuracy: within 6 standard errors of closed forms (tests/diagnostics/test_measures.py).
    """
    check_samples("kl", samples, block)
    if p.event_shape != q.event_shape:
        raise ShapeError(
            f"kl: expected laws over events of one shape, got {p.event_shape} and {q.event_shape}."
        )
    theirs, others = (context if law.context_shape is not None else None for law in (p, q))
    running = Running()
    for x, log_p in weighed_draws(p, key, samples, theirs, block):
        running.add(log_p - np.asarray(q.log_prob(x, others), np.float64))
    return running.estimate()


def moments(
    law: Distribution,
    key: PRNGKeyArray,
    samples: int = 10_000,
    *,
    context: ArrayLike | None = None,
    block: int = BLOCK,
) -> Moments:
    """Estimate the mean and the covariance of a law, with a standard error for every entry.

    The covariance divides by samples - 1. The error of cov[i, j] is the deviation of (x_i - mean_i)(x_j - mean_j) over
    sqrt(samples), where the means in the deviation, not in the estimate, are those of the first block. A law without
    fourth moments has no such error, and the estimate of it means nothing.

    Args:
        law: what to draw from; its density is not asked for.
        key: for the draws.
        samples: how many draws, at least 2.
        context: one condition, if the law takes one.
        block: draws held at a time; memory grows with it and with n^2, not with `samples`.

    Raises:
        ConfigError: if there are too few draws.
        ShapeError: if the context does not fit.

    Accuracy: within 6 standard errors of closed forms (tests/diagnostics/test_measures.py).
    """
    check_samples("moments", samples, block)
    first, products, centre = Running(), Running(), None
    for x in draws(law, key, samples, context, block):
        rows = np.asarray(x, np.float64).reshape(len(x), -1)
        centre = rows.mean(axis=0) if centre is None else centre
        apart = rows - centre
        first.add(apart)
        for part in np.array_split(apart, max(apart.size * apart.shape[1] // 10**7, 1)):  # 80 MB at a time
            products.add(part[:, :, None] * part[:, None, :])
    mean, error = first.mean, first.error()
    covariance = (products.mean - np.outer(mean, mean)) * (samples / (samples - 1))
    return Moments(Estimates(centre + mean, error, samples), Estimates(covariance, products.error(), samples))
