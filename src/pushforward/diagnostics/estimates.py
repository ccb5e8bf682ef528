"""Monte Carlo estimates with their errors, made in blocks so that any number of draws needs little memory."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray

from ..distributions.base import Distribution
from ..distributions.rows import map_rows
from ..errors import ConfigError, DomainError, ShapeError

BLOCK = 65_536
"""Draws that are held at a time."""

EventFunction = Callable[[jax.Array], Any]
"""A function of one event that JAX can trace."""


class Estimate(NamedTuple):
    """A number known from random draws.

    Attributes:
        value: the estimate.
        standard_error: its standard deviation, as far as the draws know; NaN where they do not.
        samples: how many draws.
    """

    value: float
    standard_error: float
    samples: int


class Estimates(NamedTuple):
    """As `Estimate`, for an array of numbers known from the same draws.

    Attributes:
        value: the estimates.
        standard_error: their standard deviations, of the same shape.
        samples: how many draws.
    """

    value: np.ndarray
    standard_error: np.ndarray
    samples: int


class Running:
    """Mean and spread of numbers, or arrays of them, that come in blocks.

    Reference: Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance, eq. 2.1.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean: Any = 0.0
        self._squares: Any = 0.0

    def add(self, values: ArrayLike) -> None:
        """Count a block of shape (n, ...), in float64."""
        block = np.asarray(values, np.float64)
        if not len(block):
            return
        with np.errstate(invalid="ignore"):  # inf - inf: such a mean has no error
            mean = block.mean(axis=0)
            squares = ((block - mean) ** 2).sum(axis=0)
            total, gap = self.count + len(block), mean - self.mean
            self._squares = self._squares + squares + gap * gap * self.count * len(block) / total
            self.mean = self.mean + gap * (len(block) / total)
        self.count = total

    def error(self) -> Any:
        """Return the standard error of the mean, as if the numbers were independent; NaN for fewer than two."""
        if self.count < 2:
            return self.mean * math.nan
        return np.sqrt(self._squares / (self.count - 1) / self.count)

    def estimate(self) -> Estimate:
        """Return the mean of single numbers with its standard error."""
        return Estimate(float(self.mean), float(self.error()), self.count)


def expectation(
    law: Distribution,
    function: EventFunction,
    key: PRNGKeyArray,
    samples: int = 10_000,
    *,
    context: ArrayLike | None = None,
    block: int = BLOCK,
) -> Estimate:
    """Estimate E[function(x)] for x drawn from a law.

    Args:
        law: what to draw from; its density is not asked for.
        function: of one event, to one number; traced by JAX.
        key: for the draws.
        samples: how many draws, at least 2.
        context: one condition, if the law takes one.
        block: draws held at a time; memory grows with it, not with `samples`.

    Returns:
        The mean and its standard error s / sqrt(samples). If the function's variance is infinite under the law, the
        error is too small and nothing here can tell.

    Raises:
        ConfigError: if there are too few draws.
        ShapeError: if the function returns no single number, or the context does not fit.
        DomainError: if it is NaN at a draw.

    Accuracy: within 6 standard errors of closed forms, which fails once in 5e8 where the mean is about normal
        (tests/diagnostics/test_estimates.py).
    """
    check_samples("expectation", samples, block)
    running = Running()
    for x in draws(law, key, samples, context, block):
        running.add(values_of("expectation", function, x))
    return running.estimate()


def tail_probability(
    law: Distribution,
    region: EventFunction,
    key: PRNGKeyArray,
    samples: int = 10_000,
    *,
    context: ArrayLike | None = None,
    block: int = BLOCK,
) -> Estimate:
    """Estimate P(x in a region) by the share of draws that fall there.

    Args:
        law: what to draw from; its density is not asked for.
        region: a function of one event, to one truth value; traced by JAX.
        key: for the draws.
        samples: how many draws, at least 2; a probability p needs many times 1 / p.
        context: one condition, if the law takes one.
        block: draws held at a time.

    Returns:
        The share k / n, with the standard error sqrt(q (1 - q) / n), q = (k + 1) / (n + 2): about 1 / n, not 0, where
        no draw fell into the region (Laplace's rule of succession).

    Raises:
        ConfigError: if there are too few draws.
        ShapeError: if the function returns no single value, or the context does not fit.
    """
    check_samples("tail_probability", samples, block)
    inside = 0
    for x in draws(law, key, samples, context, block):
        inside += int(np.count_nonzero(values_of("tail_probability", region, x)))
    smoothed = (inside + 1) / (samples + 2)
    return Estimate(inside / samples, math.sqrt(smoothed * (1 - smoothed) / samples), samples)


def check_samples(who: str, samples: int, block: int = BLOCK) -> None:
    """Raise a ConfigError unless there are at least 2 draws, in blocks of at least 1."""
    for name, count, least in (("samples", samples, 2), ("block", block, 1)):
        if type(count) is not int or count < least:
            raise ConfigError(
                f"{who}: expected {name} to be a whole number of at least {least}, got {count!r}."
            )


def draws(
    law: Distribution, key: PRNGKeyArray, samples: int, context: ArrayLike | None, block: int
) -> Iterator[np.ndarray]:
    """Yield `samples` draws in blocks; draw i of block b depends on the key, b and i alone."""
    for number, start in enumerate(range(0, samples, block)):
        yield np.asarray(law.sample(jr.fold_in(key, number), (min(block, samples - start),), context))


def weighed_draws(
    law: Distribution, key: PRNGKeyArray, samples: int, context: ArrayLike | None, block: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """As `draws`, each block with its log-densities in float64."""
    for number, start in enumerate(range(0, samples, block)):
        shape = (min(block, samples - start),)
        x, log_prob = law.sample_and_log_prob(jr.fold_in(key, number), shape, context)
        yield np.asarray(x), np.asarray(log_prob, np.float64)


class _AsArray(eqx.Module):
    """A user's function whose plain numbers become arrays; alike for the same function, so compiled once."""

    function: EventFunction

    def __call__(self, event: jax.Array) -> jax.Array:
        return jnp.asarray(self.function(event))


def values_of(who: str, function: EventFunction, x: np.ndarray) -> np.ndarray:
    """Return a function's values at events, shape (n,), in float64; raise if they are no single numbers."""
    values = np.asarray(map_rows(_AsArray(function), (x,)), np.float64)
    if values.shape != x.shape[:1]:
        raise ShapeError(f"{who}: expected a function that returns one number, got shape {values.shape[1:]}.")
    bad = int(np.isnan(values).sum())
    if bad:
        raise DomainError(f"{who}: expected a function that is a number at every draw, got NaN at {bad}.")
    return values
