"""Preprocessing learned from training rows, as exact bijectors: marginal splines and whitening."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtri

from ..bijectors import LU, Bijector, Invert, Marginals
from ..distributions.base import map_rows
from ..errors import ConfigError

_CLOSEST = 1e-4
"""Knots closer than this share of a column's range are merged: a spline cannot resolve them in float32."""

_RIDGE = 1e-6
"""Added to the diagonal of the covariance that whitening inverts, in units of the mean variance."""


def knots_for(rows: int) -> int:
    """Return the number of marginal knots for a number of rows: 2 * rows^(1/3), from 8 to 128.

    A histogram's best number of bins grows with rows^(1/3); its cost in log-likelihood is about knots / (2 * rows)
    nats for each column.
    """
    return int(np.clip(2 * rows ** (1 / 3), 8, 128))


def learn(rows: np.ndarray, steps: Sequence[str], knots: int) -> list[Bijector]:
    """Learn preprocessing from training rows.

    Args:
        rows: shape (n, features), finite, no column constant.
        steps: "marginals" and "whitening" in the order from data to base.
        knots: knots of each marginal spline.

    Returns:
        One bijector for each step, in the same order; their inverses lead from data to scores.

    Raises:
        ConfigError: if a column is constant or a step unknown.
    """
    makers = {"marginals": lambda scores: marginals(scores, knots), "whitening": whitening}
    scores, bijectors = np.asarray(rows, dtype=np.float64), []
    for step in steps:
        if step not in makers:
            raise ConfigError(f"learn: expected steps among {', '.join(makers)}, got {step!r}.")
        bijectors.append(makers[step](scores))
        scores = np.asarray(to_scores([bijectors[-1]], scores)[0], dtype=np.float64)
    return bijectors


def to_scores(bijectors: Sequence[Bijector], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Send rows through preprocessing, from data towards the base.

    Args:
        bijectors: as `learn` returns them.
        rows: shape (n, features).

    Returns:
        Scores of shape (n, features), and the log-determinants to add to their log-densities, shape (n,), in nats.
    """
    scores, total = jnp.asarray(rows, dtype=float), jnp.zeros(len(rows))
    for bijector in bijectors:
        scores, log_det = map_rows(bijector.inverse_and_log_det, (scores,))
        total = total + log_det
    return np.asarray(scores), np.asarray(total)


def marginals(rows: np.ndarray, knots: int) -> Marginals:
    """Return the monotone splines that send each column's quantiles to those of the standard normal.

    Ties are one knot, at the middle of the probabilities that they cover.

    Args:
        rows: shape (n, features).
        knots: knots of each spline, at least 2.

    Raises:
        ConfigError: if a column is constant.
    """
    curves = [_quantile_knots(rows[:, column], column, knots) for column in range(rows.shape[1])]
    values = np.stack([values for values, _ in curves])
    bases = np.stack([bases for _, bases in curves])
    return Marginals(bases, values, _knot_slopes(values, bases))


def whitening(rows: np.ndarray) -> Bijector:
    """Return the lower triangular map that makes the columns uncorrelated, with mean 0 and variance 1.

    z = W (x - mean) with W the inverse of the covariance's Cholesky factor: z_i is what column i keeps after linear
    regression on the columns before it.

    Args:
        rows: shape (n, features).
    """
    mean, features = rows.mean(axis=0), rows.shape[1]
    covariance = np.atleast_2d(np.cov(rows.T))
    ridge = _RIDGE * np.trace(covariance) / features
    # Positive definite by the ridge, so the factor exists and its diagonal is positive.
    inverse = np.linalg.inv(np.linalg.cholesky(covariance + ridge * np.eye(features)))
    diagonal = np.diag(inverse)
    parts = (inverse / diagonal, np.log(diagonal), -inverse @ mean)
    return Invert(
        eqx.tree_at(
            lambda lu: (lu.lower, lu.log_diagonal, lu.shift),
            LU(features),
            tuple(jnp.asarray(part, dtype=float) for part in parts),
        )
    )


def _quantile_knots(values: np.ndarray, column: int, knots: int) -> tuple[np.ndarray, np.ndarray]:
    """Return strictly increasing values and normal scores, shape (knots,) each, of one column."""
    n = len(values)
    low, high = float(values.min()), float(values.max())
    if not high > low:
        raise ConfigError(f"marginals: column {column} is constant ({low}): leave it out.")
    inner = np.linspace(0, 1, knots)[1:-1]
    probabilities = np.concatenate([[0.5 / n], inner, [1 - 0.5 / n]])
    quantiles = np.quantile(values, probabilities)
    # Merge what is too close, a group's score being the one of its mean probability.
    group = np.floor((quantiles - low) / (_CLOSEST * (high - low)))
    _, index = np.unique(group, return_inverse=True)
    counts = np.bincount(index)
    xs = np.bincount(index, quantiles) / counts
    ys = ndtri(np.bincount(index, probabilities) / counts)
    while len(xs) < knots:  # few distinct values: halve the widest gaps
        widest = int(np.argmax(np.diff(xs)))
        xs = np.insert(xs, widest + 1, (xs[widest] + xs[widest + 1]) / 2)
        ys = np.insert(ys, widest + 1, (ys[widest] + ys[widest + 1]) / 2)
    return xs, ys


def _knot_slopes(xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Return slopes dy/dx at the knots: weighted harmonic means of the neighbouring secants, positive as they are.

    Reference: Fritsch and Butland 1984, A method for constructing local monotone piecewise cubic interpolants, SIAM
    J. Sci. Stat. Comput. 5, eq. 5; at the ends the secant itself.
    """
    widths = np.diff(xs, axis=1)
    secants = np.diff(ys, axis=1) / widths
    before, after = widths[:, :-1], widths[:, 1:]
    inner = (before + after) / (before / secants[:, :-1] + after / secants[:, 1:])
    return np.concatenate([secants[:, :1], inner, secants[:, -1:]], axis=1)
