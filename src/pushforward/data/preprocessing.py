"""Preprocessing learned from training rows, as exact bijectors: marginal splines and whitening."""

from collections.abc import Sequence
from statistics import NormalDist

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..bijectors import LU, Bijector, Invert, Marginals
from ..errors import ConfigError, DomainError

score = np.vectorize(NormalDist().inv_cdf)
"""The standard normal quantile of probabilities in (0, 1)."""

_probability = np.vectorize(NormalDist().cdf)

_CLOSEST = 1e-4
"""Knots closer than this share of a column's spread are merged: its density would be a needle there."""

_RESOLVED = 64
"""Knots closer than this many rounding steps are merged: the spline between them would be a staircase."""

_RIDGE = 1e-6
"""Added to the diagonal of the correlation matrix that whitening inverts."""


def knots_for(rows: int) -> int:
    """Return the number of marginal knots for a number of rows: 2 * rows^(1/3) rounded, from 8 to 128.

    A histogram's best number of bins grows with rows^(1/3); its cost in log-likelihood is about knots / (2 *
    rows) nats for each column.
    """
    return int(np.clip(round(2 * np.cbrt(rows)), 8, 128))


def learn(rows: np.ndarray, steps: Sequence[str], knots: int) -> list[Bijector]:
    """Learn preprocessing from training rows.

    Args:
        rows: shape (n, features), finite, no column constant.
        steps: "marginals" and "whitening" in the order from data to base.
        knots: knots of each marginal spline.

    Returns:
        One bijector for each step, in the same order; their inverses lead from data to scores.

    Raises:
        ConfigError: if a column is constant, or varies too little for its size, or a step is unknown.
        DomainError: if a value is not finite.
    """
    makers = {"marginals": lambda scores: marginals(scores, knots), "whitening": whitening}
    scores, bijectors = np.asarray(rows, dtype=np.float64), []
    _check_rows("learn", scores)
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
        Scores of shape (n, features), and the log-determinants to add to their log-densities, shape (n,), in
        nats.
    """
    scores, total = np.asarray(rows, dtype=np.float64), np.zeros(len(rows))
    for bijector in bijectors:
        if isinstance(bijector, Marginals):
            scores, log_det = _marginal_scores(bijector, scores)
        else:
            scores, log_det = _linear_scores(bijector, scores)
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
    arrays = (
        np.asarray(frozen.value, np.float64) for frozen in (bijector.values, bijector.bases, bijector.slopes)
    )
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

    The probabilities of the knots are halfway, in scores, between even probabilities and even scores: dense
    in the bulk, and with few rows between the outer ones, so that one far outlier stretches no more than its
    own bin. Ties are one knot, at the middle of the probabilities that they cover.

    Args:
        rows: shape (n, features).
        knots: knots of each spline, at least 2.

    Raises:
        ConfigError: if a column is constant, or varies too little for its size.
        DomainError: if a value is not finite.
    """
    _check_rows("marginals", rows)
    curves = [_checked_knots(rows[:, column], column, knots) for column in range(rows.shape[1])]
    values = np.stack([values for values, _ in curves])
    bases = np.stack([bases for _, bases in curves])
    return Marginals(bases, values, knot_slopes(values, bases))


def whitening(rows: np.ndarray) -> Bijector:
    """Return the lower triangular map that makes the columns uncorrelated, with mean 0 and variance 1.

    z = W (x - mean) with W the inverse of the covariance's Cholesky factor: z_i is what column i keeps after
    linear regression on the columns before it.

    Args:
        rows: shape (n, features).

    Raises:
        ConfigError: if a column is constant.
        DomainError: if a value is not finite.
    """
    _check_rows("whitening", rows)
    mean, scale, features = rows.mean(axis=0), rows.std(axis=0), rows.shape[1]
    correlation = np.atleast_2d(np.corrcoef(rows.T))
    # Positive definite by the ridge, so the factor exists and its diagonal is positive.
    inverse = np.linalg.inv(np.linalg.cholesky(correlation + _RIDGE * np.eye(features))) / scale
    diagonal = np.diag(inverse)
    parts = (inverse / diagonal, np.log(diagonal), -inverse @ mean)
    return Invert(
        eqx.tree_at(
            lambda lu: (lu.lower, lu.log_diagonal, lu.shift),
            LU(features),
            tuple(jnp.asarray(part, dtype=float) for part in parts),
        )
    )


def _check_rows(who: str, rows: np.ndarray) -> None:
    bad = ~np.isfinite(rows)
    if bad.any():
        raise DomainError(f"{who}: expected finite rows, got {bad.sum()} values that are not.")
    constant = np.flatnonzero(rows.min(axis=0) == rows.max(axis=0))
    if constant.size:
        column = constant[0]
        raise ConfigError(f"{who}: column {column} is constant ({rows[0, column]}): leave it out.")


def _checked_knots(values: np.ndarray, column: int, knots: int) -> tuple[np.ndarray, np.ndarray]:
    """Return strictly increasing values and normal scores, shape (knots,) each, of one column."""
    xs, ys = fill_knots(*quantile_knots(values, knots), knots)
    kind = jnp.result_type(float)
    if not (np.diff(xs.astype(kind)) > 0).all():
        raise ConfigError(
            f"marginals: column {column} varies by {np.ptp(values):.3g} around {values.mean():.6g}, too "
            f"little for {knots} knots in {kind}: subtract a constant from it, or leave it out."
        )
    return xs, ys


def quantile_knots(values: np.ndarray, knots: int) -> tuple[np.ndarray, np.ndarray]:
    """Return values and normal scores of at most so many knots of one column, at least two; ties are one knot."""
    end = 0.5 / len(values)
    even = score(np.clip(np.linspace(0, 1, knots), end, 1 - end))
    probabilities = _probability((even + np.linspace(even[0], even[-1], knots)) / 2)
    xs, probabilities = _merged(np.quantile(values, probabilities), probabilities, _spread(values))
    return xs, score(probabilities)


def fill_knots(xs: np.ndarray, ys: np.ndarray, knots: int) -> tuple[np.ndarray, np.ndarray]:
    """Return as many knots as are wanted, by halving the widest gaps where there are fewer distinct values."""
    while len(xs) < knots:
        widest = int(np.argmax(np.diff(xs)))
        xs = np.insert(xs, widest + 1, (xs[widest] + xs[widest + 1]) / 2)
        ys = np.insert(ys, widest + 1, (ys[widest] + ys[widest + 1]) / 2)
    return xs, ys


def _merged(xs: np.ndarray, probabilities: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Merge knots, the closest pair first, until no two are too close; keep at least two.

    Args:
        xs: values in rising order, ties included.
        probabilities: their probabilities, increasing.
        spread: the spread of the column.

    Returns:
        The mean value of each group, and the middle of the probabilities that it covers.
    """
    first, last, sizes = probabilities, probabilities.copy(), np.ones(len(xs))
    step = np.finfo(jnp.result_type(float)).eps
    while len(xs) > 2:
        least = np.maximum(_CLOSEST * spread, _RESOLVED * step * np.maximum(np.abs(xs[1:]), np.abs(xs[:-1])))
        closest = int(np.argmin(np.diff(xs) / least))
        if xs[closest + 1] - xs[closest] >= least[closest]:
            break
        pair = slice(closest, closest + 2)
        xs[closest] = np.average(xs[pair], weights=sizes[pair])
        sizes[closest] = sizes[pair].sum()
        last[closest] = last[closest + 1]
        xs, first, last, sizes = (np.delete(array, closest + 1) for array in (xs, first, last, sizes))
    return xs, (first + last) / 2


def _spread(values: np.ndarray) -> float:
    """Return the width of the central half, or, where that is one value, of more: outliers do not count."""
    for tail in (0.25, 0.05, 0.01):
        low, high = np.quantile(values, [tail, 1 - tail])
        if high > low:
            return float(high - low)
    return float(values.max() - values.min())


def knot_slopes(xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Return slopes dy/dx at knots, shape (features, knots), weighted harmonic means of the neighbouring secants.

    Reference: Fritsch and Butland 1984, A method for constructing local monotone piecewise cubic
        interpolants, SIAM J. Sci. Stat. Comput. 5, eq. 5: the nearer secant weighs more. At the ends the
        secant itself.
    """
    widths = np.diff(xs, axis=1)
    secants = np.diff(ys, axis=1) / widths
    before, after = widths[:, :-1] + 2 * widths[:, 1:], 2 * widths[:, :-1] + widths[:, 1:]
    inner = (before + after) / (before / secants[:, :-1] + after / secants[:, 1:])
    return np.concatenate([secants[:, :1], inner, secants[:, -1:]], axis=1)
