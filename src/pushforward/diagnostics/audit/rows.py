"""Checks of a law's draws and densities against rows: ranges, two samples, overfitting, memorising."""

import jax.random as jr
import numpy as np

from ..surrogate import generator
from .classifier import two_sample_scores
from .findings import Finding, judged
from .statistics import area_under_curve
from .subject import NotApplicable, Subject

_DEVIATIONS = 4.0
"""Standard errors that are granted to chance: a right law exceeds them once in 30,000."""

_COMPARED = 2000
"""At most so many rows, and as many draws, are told apart."""

_SEARCHED = 1000
"""At most so many draws and rows search for their neighbours."""


def ranges(subject: Subject) -> Finding:
    """Share of the rows with a value beyond the training range by more than half of its width, in any column.

    There the density is a guess. Above 0.1 % is worth a look, above 2 % fails. Fresh rows of columns with heavy tails
    may be so far out.
    """
    known, _ = subject.known()
    flat = known.reshape(len(known), -1)
    low, high = flat.min(axis=0), flat.max(axis=0)
    beyond = np.maximum(low - subject.flat, subject.flat - high)
    far = beyond > 0.5 * np.where(high > low, high - low, np.maximum(np.abs(high), 1.0))
    share, column = float(far.any(axis=1).mean()), int(np.argmax(far.mean(axis=0)))
    outside = float((beyond > 0).any(axis=1).mean())
    return judged(
        "range",
        share,
        1e-3,
        0.02,
        f"{outside:.2%} of the rows lie beyond the training rows' range, {share:.2%} far beyond"
        + (f", most in column {subject.columns[column]}" if share else ""),
        "Densities of these rows are guesses: look whether units or the source of the table have changed.",
    )


def two_sample(subject: Subject) -> Finding:
    """How well a classifier tells rows from draws: the area under its curve on rows that it has not seen.

    The classifier is the better, on a part of its training rows, of a logistic regression on normal scores, their
    squares and products, and of 25 nearest neighbours. From the area four standard errors (DeLong's) are taken, so that
    chance passes 0.5 once in 30,000; what remains above 0.52 is worth a look, above 0.60 fails. With 2000 rows, a shift
    of one column by about 0.3 deviations is worth a look and one by 0.6 fails (areas of 0.58 and 0.66); with 200 rows,
    about 0.7 and 1.0.
    """
    half = min(len(subject.rows), _COMPARED)
    ours, theirs = subject.flat[:half], subject.draws.reshape(len(subject.draws), -1)[:half]
    if half < 40:
        raise NotApplicable("there are fewer than 40 rows.")
    if not np.isfinite(theirs).all():
        return judged("two samples", float("nan"), 0.52, 0.6, "draws are not finite", "Look at the draws.")
    if subject.context is not None:
        conditions = np.asarray(subject.context, np.float64).reshape(len(subject.context), -1)[:half]
        ours, theirs = np.hstack([ours, conditions]), np.hstack([theirs, conditions])
    kind, of_rows, of_draws = two_sample_scores(ours, theirs, generator(jr.fold_in(subject.key, 3)))
    area, error = area_under_curve(of_rows, of_draws)
    low, high = area - _DEVIATIONS * error, area + _DEVIATIONS * error
    return judged(
        "two samples",
        low,
        0.52,
        0.60,
        f"a classifier ({kind}) tells rows from draws with an area of {area:.3f} ({low:.3f} to {high:.3f}; 0.5 is "
        f"chance; {len(of_rows)} of each)",
        "Draws do not look like the rows: compare their marginals and pairs in a plot, and train longer or larger.",
    )


def overfit(subject: Subject) -> Finding:
    """Mean log-density of training rows less that of the rows, per column, with four standard errors taken off.

    The rows should not be training rows. Above 0.02 nats a column is worth a look, above 0.1 fails.
    """
    known, ours = subject.training_log_prob, subject.log_prob
    if not np.isfinite(known).all() or not np.isfinite(ours).all():
        return judged(
            "overfit",
            float("inf"),
            0.02,
            0.1,
            f"mean log-densities: training {known.mean():.4g}, rows {ours.mean():.4g} nats; not finite",
            "Some rows have no density: see the line on density.",
        )
    gap = float(known.mean() - ours.mean())
    error = float(np.sqrt(known.var(ddof=1) / len(known) + ours.var(ddof=1) / len(ours)))
    return judged(
        "overfit",
        max(gap - _DEVIATIONS * error, 0.0) / subject.size,
        0.02,
        0.1,
        f"training rows are likelier by {gap:.3f} +- {error:.3f} nats ({known.mean():.3f} against {ours.mean():.3f})",
        "The law knows its training rows better than others: stop earlier, take dropout or fewer weights, or more "
        "rows; or the rows come from elsewhere.",
    )


def memorised(subject: Subject) -> Finding:
    """Share of the draws that lie nearer to a training row than 99 of 100 other rows do.

    Distances are Euclidean in units of the columns' standard deviations. By chance it is 1 %; four binomial errors, of
    draws and of the quantile, are taken off, and what remains above 3 % is worth a look, above 10 % fails. Rows that
    are training rows themselves hide what this looks for.
    """
    known, _ = subject.known()
    if subject.context is not None:
        raise NotApplicable("draws under a context are compared with rows under the same only.")
    count = min(len(subject.rows), _SEARCHED)
    known = known.reshape(len(known), -1) / subject.scale
    others = nearest(subject.flat[:count] / subject.scale, known)
    ours = nearest(subject.draws.reshape(len(subject.draws), -1)[:count] / subject.scale, known)
    limit = float(np.quantile(others, 0.01))
    share = float(np.mean(ours < limit))
    noise = _DEVIATIONS * np.sqrt(2 * 0.01 * 0.99 / count)
    same = float(np.mean(ours <= 1e-6))
    return judged(
        "memorised",
        max(share - noise, 0.0),
        0.03,
        0.10,
        f"{share:.1%} of the draws are nearer to a training row than 99 % of other rows are (1 % is chance), "
        f"{same:.1%} repeat one",
        "The law repeats its training rows: do not publish its draws, and train it less or with more rows.",
    )


def nearest(points: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of every point, shape (n, d), to the nearest known one, shape (m, d)."""
    found = np.empty(len(points))
    squares = (known**2).sum(axis=1)
    for start in range(0, len(points), 256):
        part = points[start : start + 256]
        found[start : start + 256] = np.argmin(squares - 2 * part @ known.T, axis=1)
    # Distances anew: the expanded square above loses the digits of small ones.
    return np.linalg.norm(points - known[found.astype(int)], axis=1)


def support(possible: np.ndarray) -> Finding:
    """Share of rows that hold a value to which the law gives no probability: unseen levels, values outside of bounds.

    What looks at the other rows alone cannot see them. Any is worth a look; more than 0.1 % fail, as for `density`.

    Args:
        possible: which rows hold none, shape (n,), n >= 1.
    """
    bad, count = int((~possible).sum()), len(possible)
    return judged(
        "support",
        bad / count,
        0.0,
        1e-3,
        f"{bad} of {count} rows hold a value that the model gives no probability",
        "Unseen categories, or values outside of the bounds that the fit inferred: fit to more rows, or state the "
        "columns' kinds and bounds.",
    )
