"""A stand-in for a law, with conditionals in closed form: what importance sampling of conditionals draws from."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import PRNGKeyArray

from ..bijectors import Marginals
from ..data import preprocessing
from ..distributions.rows import map_rows
from . import em
from .baselines import fit_mixture

_DEGREES = 5.0
"""Degrees of freedom of the components: their tails are heavier than most laws' in normal scores."""

_WIDE = 0.05
"""Weight of a component without correlations, which keeps importance weights bounded where the others are wrong."""

_REACH = 30.0
"""Scores are held within: the splines' tails grow exponentially."""


class Proposals(NamedTuple):
    """Draws of some columns given the others.

    Attributes:
        x: shape (n, count, free columns), in the order of the columns.
        log_density: of each draw given its row, shape (n, count), in nats.
    """

    x: np.ndarray
    log_density: np.ndarray


class Surrogate:
    """Marginal splines to normal scores, and there a mixture of Student's t laws.

    Args:
        marginals: the splines.
        mixture: weights, means and scale matrices in scores.

    Reference: Hesterberg 1995, Weighted average importance sampling and defensive mixture distributions, Technometrics
        37(2), 185-194, for the wide component.
    """

    def __init__(self, marginals: Marginals, mixture: em.Components) -> None:
        self.marginals = marginals
        size = mixture.means.shape[1]
        self.weights = np.append((1 - _WIDE) * mixture.weights, _WIDE)
        self.means = np.concatenate([mixture.means, np.zeros((1, size))])
        self.scales = np.concatenate([mixture.covariances, np.eye(size)[None]])

    def propose(
        self, given: Sequence[int], rows: np.ndarray, random: np.random.Generator, count: int
    ) -> Proposals:
        """Draw the columns that are not given.

        Args:
            given: places of the columns that are known, at least one, not all.
            rows: their values, shape (n, len(given)).
            random: where randomness comes from.
            count: draws for each row.
        """
        known = list(given)
        free = [i for i in range(self.means.shape[1]) if i not in set(known)]
        scores, _ = preprocessing.to_scores([self._columns(known)], rows)
        shares, centres, factors = self._given(known, free, np.clip(scores, -_REACH, _REACH))
        drawn = np.clip(_draw(shares, centres, factors, random, count), -_REACH, _REACH)
        spline = self._columns(free)
        flat, log_det = map_rows(spline.forward_and_log_det, (drawn.reshape(-1, len(free)),))
        log_density = _log_density(drawn, shares, centres, factors)
        return Proposals(
            np.asarray(flat, np.float64).reshape(drawn.shape),
            log_density - np.asarray(log_det, np.float64).reshape(drawn.shape[:2]),
        )

    def _columns(self, places: list[int]) -> Marginals:
        arrays = (self.marginals.bases, self.marginals.values, self.marginals.slopes)
        return Marginals(*(jnp.asarray(frozen.value)[np.array(places)] for frozen in arrays))

    def _given(
        self, known: list[int], free: list[int], scores: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return shares (n, K), centres (n, K, f) and factors (K, f, f) of the components given some scores."""
        logs, centres, factors = [], [], []
        for weight, mean, scale in zip(self.weights, self.means, self.scales, strict=True):
            apart = scores - mean[known]
            root = np.linalg.cholesky(scale[np.ix_(known, known)])
            white = np.linalg.solve(root, apart.T).T
            logs.append(math.log(weight) + _student(white, root))
            # With S = [[A, B], [B^T, C]] over (known, free): centre B^T A^-1 apart, and C - B^T A^-1 B.
            half = np.linalg.solve(root, scale[np.ix_(known, free)])
            centres.append(mean[free] + white @ half)
            rest = scale[np.ix_(free, free)] - half.T @ half
            factors.append(np.linalg.cholesky(rest + 1e-9 * np.eye(len(free))))
        shares = np.exp(np.stack(logs, axis=1) - np.max(logs, axis=0)[:, None])
        shares /= shares.sum(axis=1, keepdims=True)
        # The wide component keeps its share whatever the known columns say.
        shares = (1 - _WIDE) * shares
        shares[:, -1] += _WIDE
        return shares, np.stack(centres, axis=1), np.stack(factors)


def fit_surrogate(rows: np.ndarray, *, components: int = 16) -> Surrogate:
    """Fit a stand-in to draws of a law.

    Args:
        rows: shape (n, d), finite; half of them choose the number of components.
        components: the most components that are tried.

    Raises:
        ConfigError: if a column is constant, or the sum of others.
        DomainError: if a draw is not finite.
    """
    values = np.asarray(rows, np.float64)
    spline = preprocessing.marginals(values, preprocessing.knots_for(len(values)))
    scores, _ = preprocessing.to_scores([spline], values)
    half = len(scores) // 2
    law = fit_mixture(scores[:half], scores[half:], components=components, steps=50).law
    parts = (np.asarray(part, np.float64) for part in (law.weights, law.means, law.covariances))
    return Surrogate(spline, em.Components(*parts))


def generator(key: PRNGKeyArray) -> np.random.Generator:
    """Return NumPy's random numbers that a JAX key decides."""
    return np.random.default_rng(np.asarray(jr.key_data(key)).reshape(-1))


def _draw(
    shares: np.ndarray, centres: np.ndarray, factors: np.ndarray, random: np.random.Generator, count: int
) -> np.ndarray:
    """Draw from mixtures of t laws, shape (n, count, f)."""
    rows, _, size = centres.shape
    heights = np.cumsum(shares, axis=1)
    heights[:, -1] = 1.0  # whatever rounding made of it
    chosen = (random.uniform(size=(rows, count, 1)) > heights[:, None, :]).sum(axis=2)
    steps = random.normal(size=(rows, count, size))
    steps /= np.sqrt(random.chisquare(_DEGREES, size=(rows, count, 1)) / _DEGREES)
    drawn = np.take_along_axis(centres, chosen[:, :, None], axis=1)
    for place, factor in enumerate(factors):
        mine = chosen == place
        drawn[mine] += steps[mine] @ factor.T
    return drawn


def _log_density(
    scores: np.ndarray, shares: np.ndarray, centres: np.ndarray, factors: np.ndarray
) -> np.ndarray:
    total = np.full(scores.shape[:2], -np.inf)
    with np.errstate(divide="ignore"):  # a component without a share adds nothing
        logs = np.log(shares)
    for place, factor in enumerate(factors):
        white = (scores - centres[:, None, place]) @ np.linalg.inv(factor).T
        total = np.logaddexp(total, logs[:, None, place] + _student(white, factor))
    return total


def _student(white: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Log-density of the multivariate t law at points already multiplied by the inverse factor, (..., f).

    Reference: Kotz and Nadarajah 2004, Multivariate t distributions and their applications, eq. 1.1.
    """
    size, df = white.shape[-1], _DEGREES
    constant = math.lgamma((df + size) / 2) - math.lgamma(df / 2) - size / 2 * math.log(df * math.pi)
    log_det = float(np.log(np.diag(factor)).sum())
    return constant - log_det - (df + size) / 2 * np.log1p((white**2).sum(axis=-1) / df)
