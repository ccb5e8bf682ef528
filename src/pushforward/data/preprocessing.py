"""Preprocessing learned from training rows, as exact bijectors: marginal splines and whitening."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtri

from ..bijectors import LU, Bijector, Invert, Marginals
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
        scores, _ = to_scores(bijectors[-1:], scores)
    return bijectors


def to_scores(bijectors: Sequence[Bijector], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Send rows through preprocessing, from data towards the base.

    In NumPy and float64: what the bijectors' `inverse_and_log_det` give in float32, without a compilation.

    Args:
        bijectors: as `learn` returns them.
        rows: shape (n, features).

    Returns:
        Scores of shape (n, features), and the log-determinants to add to their log-densities, shape (n,), in nats.
    """
    scores, total = np.asarray(rows, dtype=np.float64), np.zeros(len(rows))
    for bijector in bijectors:
        send = _marginal_scores if isinstance(bijector, Marginals) else _linear_scores
        scores, log_det = send(bijector, scores)
        total = total + log_det
    return scores, total


def _linear_scores(bijector: Bijector, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not (isinstance(bijector, Invert) and isinstance(bijector.bijector, LU)):
        raise ConfigError(f"to_scores: expected bijectors that learn returns, got {type(bijector).__name__}.")
    lu = bijector.bijector
    lower, diagonal, shift = (np.asarray(part, np.float64) for part in (lu.lower, lu.log_diagonal, lu.shift))
    unit = np.tril(lower, -1) + np.eye(len(diagonal))
    return rows @ (unit * np.exp(diagonal)).T + shift, np.full(len(rows), diagonal.sum())


def _marginal_scores(bijector: Marginals, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The formula of `numerics.splines.through_knots`, column by column."""
    scores, total = np.empty_like(rows), np.zeros(len(rows))
    arrays = (np.asarray(frozen.value, np.float64) for frozen in (bijector.values, bijector.bases, bijector.slopes))
    for column, (xs, ys, slopes) in enumerate(zip(*arrays, strict=True)):
        x = np.clip(rows[:, column], xs[0], xs[-1])
        k = np.clip(np.searchsorted(xs, x, side="right") - 1, 0, len(xs) - 2)
        width, height = np.diff(xs)[k], np.diff(ys)[k]
        secant = height / width
        t, ratio0, ratio1 = (x - xs[k]) / width, slopes[k] / secant, slopes[k + 1] / secant
        u = t * (1 - t)
        denominator = 1 + (ratio0 + ratio1 - 2) * u
        numerator = ratio1 * t**2 + 2 * u + ratio0 * (1 - t) ** 2
        beyond = rows[:, column] - x  # what lies past the outer knots
        stretch = np.log1p(np.abs(beyond) * np.where(beyond < 0, slopes[0], slopes[-1]))
        scores[:, column] = ys[k] + height * (t**2 + ratio0 * u) / denominator + np.sign(beyond) * stretch
        total += np.log(secant * numerator / denominator**2) - stretch
    return scores, total


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
