"""What groups of columns tell about each other: marginal densities, mutual information, conditional means."""

import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax.random as jr
import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray

from ..distributions.base import Distribution
from ..errors import ConfigError, ShapeError
from .estimates import Estimate, Running, check_samples
from .surrogate import Surrogate, fit_surrogate, generator
from .weights import Weighted, warn_if_few

_FITTED = 8192
"""Draws to which the stand-in is fitted."""

_AT_ONCE = 65_536
"""Rows whose densities are asked for at a time."""


class Marginal(NamedTuple):
    """Log-densities of some columns, the others integrated out.

    Attributes:
        log_prob: shape (n,), in nats; corrected for the bias of a logarithm to first order.
        standard_error: of each, shape (n,), as far as the draws know.
        effective_samples: (sum w)^2 / sum w^2 of each row's importance weights, shape (n,); infinite where nothing had
            to be integrated.
    """

    log_prob: np.ndarray
    standard_error: np.ndarray
    effective_samples: np.ndarray


class ConditionalMean(NamedTuple):
    """The mean of the columns that are not given.

    Attributes:
        columns: their places.
        mean: shape (len(columns),).
        standard_error: of each, as far as the draws know.
        log_prob: the log-density of the given values, in nats.
        samples: how many draws.
        effective_samples: (sum w)^2 / sum w^2 of the importance weights.
    """

    columns: tuple[int, ...]
    mean: np.ndarray
    standard_error: np.ndarray
    log_prob: float
    samples: int
    effective_samples: float


def log_marginal(
    law: Distribution,
    rows: ArrayLike,
    columns: Sequence[int],
    key: PRNGKeyArray,
    samples: int = 64,
    *,
    context: ArrayLike | None = None,
    surrogate: Surrogate | None = None,
) -> Marginal:
    """Estimate log-densities of some columns of a law over vectors: the log of the integral over all others.

    For every row the other columns are drawn from a stand-in r, given these: marginal splines and a mixture of t laws
    fitted to draws of the law. With w = p(x) / r(others | columns), the mean of w estimates p(columns) without bias.
    The logarithm of a mean is too low by about var(w) / (2 samples mean(w)^2) = (1 / effective - 1 / samples) / 2,
    which is added; what remains of the bias is of the order 1 / effective^2.

    Args:
        law: over vectors with d elements, which are real numbers.
        rows: values of the columns, shape (n, len(columns)).
        columns: places of the columns.
        key: for the draws.
        samples: draws for each row, at least 2.
        context: one condition, if the law takes one.
        surrogate: a stand-in fitted before; one is fitted to 8192 draws if left out.

    Raises:
        ShapeError: if the law is not over vectors, or the rows do not fit.
        ConfigError: if the columns are not different places of the law's, or there are too few draws.
    """
    check_samples("log_marginal", samples)
    size, known = _size("log_marginal", law), list(columns)
    _check_groups("log_marginal", [known], size)
    values = np.asarray(rows, np.float64)
    if values.ndim != 2 or values.shape[1] != len(known):
        raise ShapeError(f"log_marginal: expected rows of shape (n, {len(known)}), got shape {values.shape}.")
    if len(known) == size:
        log_prob = np.asarray(law.log_prob(values[:, np.argsort(known)], context), np.float64)
        return Marginal(log_prob, np.zeros(len(values)), np.full(len(values), np.inf))
    stand_in = _stand_in(law, key, context) if surrogate is None else surrogate
    random, step = generator(jr.fold_in(key, 1)), max(_AT_ONCE // samples, 1)
    parts = []
    for start in range(0, len(values), step):
        _, logs = _weights(law, stand_in, known, values[start : start + step], random, samples, context)
        parts.append(_log_means(logs))
    return Marginal(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def mutual_information(
    law: Distribution,
    groups: Sequence[Sequence[int]],
    key: PRNGKeyArray,
    samples: int = 1000,
    *,
    inner: int = 64,
    context: ArrayLike | None = None,
) -> Estimate:
    """Estimate the mutual information of groups of columns, in nats; of more than two, their total correlation.

    I = E[log p(all groups) - sum over groups log p(group)], x drawn from the law. Each log-density but that of all
    columns of the law is an importance estimate of `log_marginal`, with `inner` draws for every draw of x. Its bias is
    corrected to first order; what is left is of the order 1 / effective^2 of these draws, positive or negative, and not
    in the standard error. It can be seen by a second call with more inner draws.

    The cost is samples * inner * (groups + 1) log-densities at most: 200,000 for two groups as it stands.

    Args:
        law: over vectors of real numbers.
        groups: at least two lists of places, all different. Columns in no group are integrated out.
        key: for the draws.
        samples: draws of x, at least 2.
        inner: draws for each marginal density, at least 2.
        context: one condition, if the law takes one; the information is then that given it.

    Warns:
        RuntimeWarning: if the median of the inner effective draws of a group is below 10: the bias is then not known.

    Raises:
        ShapeError: if the law is not over vectors, or the context does not fit.
        ConfigError: if there are not two groups of different places, or too few draws.

    Accuracy: normals and log-normals within 6 standard errors plus 0.01 nats, a mixture by quadrature likewise
        (tests/diagnostics/test_information.py).
    """
    check_samples("mutual_information", samples)
    check_samples("mutual_information", inner)
    size, sets = _size("mutual_information", law), [list(group) for group in groups]
    if len(sets) < 2:
        raise ConfigError(f"mutual_information: expected at least two groups of columns, got {len(sets)}.")
    _check_groups("mutual_information", sets, size)
    stand_in = _stand_in(law, key, context)
    x = np.asarray(law.sample(jr.fold_in(key, 2), (samples,), context), np.float64)
    everything = [column for group in sets for column in group]
    total, least = np.zeros(samples), np.inf
    for number, (sign, known) in enumerate([(1, everything), *((-1, group) for group in sets)]):
        own = jr.fold_in(key, 3 + number)
        found = log_marginal(law, x[:, known], known, own, inner, context=context, surrogate=stand_in)
        total += sign * found.log_prob
        least = min(least, float(np.median(found.effective_samples)))
    if least < 10:
        warnings.warn(
            f"mutual_information: {inner} inner draws count as {least:.1f} effective ones in the median row, too few "
            "to trust the estimate. Take more inner draws.",
            RuntimeWarning,
            stacklevel=2,
        )
    running = Running()
    running.add(total)
    return running.estimate()


def conditional_mean(
    law: Distribution,
    given: Mapping[int, float],
    key: PRNGKeyArray,
    samples: int = 10_000,
    *,
    context: ArrayLike | None = None,
) -> ConditionalMean:
    """Estimate E[x_i | the given columns] for every other column of a law over vectors, from its joint density.

    By self-normalised importance sampling: the other columns are drawn from a stand-in r given these (see
    `log_marginal`), and weighted by p(x) / r. The bias is of the order 1 / effective_samples. It fails, with few
    effective draws and a warning, where many columns are free and the law is far from a mixture of at most 16 normals
    in normal scores; and, without one, where a part of the conditional law lies where the stand-in hardly draws. Where
    all columns but one are given, `conditionals` is better: it integrates.

    Args:
        law: over vectors of real numbers.
        given: values by the places of columns, at least one, not all.
        key: for the draws.
        samples: how many draws, at least 2.
        context: one condition, if the law takes one.

    Warns:
        RuntimeWarning: with fewer than 100 effective draws.

    Raises:
        ShapeError: if the law is not over vectors, or the context does not fit.
        ConfigError: if the places are not some of the law's, or there are too few draws.
        DomainError: if the density is zero at all draws, as it is where the given values are outside of the support.

    Accuracy: within 6 standard errors of a normal's and a mixture's closed forms
        (tests/diagnostics/test_information.py).
    """
    check_samples("conditional_mean", samples)
    size, known = _size("conditional_mean", law), list(given)
    _check_groups("conditional_mean", [known], size)
    free = tuple(i for i in range(size) if i not in given)
    if not free:
        raise ConfigError(f"conditional_mean: expected some columns that are not given, got all {size}.")
    row = np.array([list(given.values())], np.float64)
    stand_in, random, found = _stand_in(law, key, context), generator(jr.fold_in(key, 1)), Weighted()
    for start in range(0, samples, _AT_ONCE):
        count = min(_AT_ONCE, samples - start)
        x, logs = _weights(law, stand_in, known, row, random, count, context)
        found.add(logs[0], x[0])
    found.check("conditional_mean")
    warn_if_few("conditional_mean", found.effective, samples)
    mean, error = found.ratio()
    return ConditionalMean(free, mean, error, found.log_mean, samples, found.effective)


def _weights(
    law: Distribution,
    stand_in: Surrogate,
    known: list[int],
    rows: np.ndarray,
    random: np.random.Generator,
    samples: int,
    context: ArrayLike | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return draws of the free columns, shape (n, samples, f), and their log-weights, shape (n, samples)."""
    drawn = stand_in.propose(known, rows, random, samples)
    size = len(known) + drawn.x.shape[2]
    free = [i for i in range(size) if i not in set(known)]
    x = np.empty((len(rows), samples, size))
    x[:, :, known], x[:, :, free] = rows[:, None, :], drawn.x
    log_prob = np.asarray(law.log_prob(x.reshape(-1, size), context), np.float64).reshape(len(rows), samples)
    return drawn.x, log_prob - drawn.log_density


def _log_means(logs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the log of each row's mean weight less its bias, its standard error and the effective draws."""
    count = logs.shape[1]
    top = np.max(logs, axis=1)
    scale = np.where(np.isfinite(top), top, 0.0)
    weights = np.exp(logs - scale[:, None])
    total, squares = weights.sum(axis=1), (weights**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # no weight at all: the density is 0
        effective = np.where(total > 0, total**2 / squares, 1.0)
        variance = np.maximum(1 / effective - 1 / count, 0.0)
        return np.log(total / count) + scale + variance / 2, np.sqrt(variance), effective


def _stand_in(law: Distribution, key: PRNGKeyArray, context: ArrayLike | None) -> Surrogate:
    return fit_surrogate(np.asarray(law.sample(jr.fold_in(key, 0), (_FITTED,), context), np.float64))


def _size(who: str, law: Distribution) -> int:
    if len(law.event_shape) != 1:
        raise ShapeError(f"{who}: expected a law over vectors, got events of shape {law.event_shape}.")
    return law.event_shape[0]


def _check_groups(who: str, groups: Sequence[Sequence[int]], size: int) -> None:
    """Raise unless the groups hold different places below `size`, at least one each."""
    places = [place for group in groups for place in group]
    fine = all(isinstance(place, int | np.integer) and 0 <= place < size for place in places)
    if not fine or len(set(places)) < len(places) or not all(groups):
        raise ConfigError(
            f"{who}: expected different places of columns from 0 to {size - 1}, got {[list(g) for g in groups]}."
        )
