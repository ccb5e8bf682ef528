"""Checks of a law's shape against rows: base points, conditional distribution functions, draws' densities."""

import jax
import numpy as np

from ...distributions.normal import StandardNormal
from ..conditionals import conditionals
from .findings import Finding, judged
from .statistics import correlation_noise, distance_from_uniform, distance_noise
from .subject import NotApplicable, Subject

_EVALUATIONS = 400_000
"""About so many densities are spent on conditional distribution functions."""

_LOOK, _FAIL = 0.02, 0.05
"""Distances of distribution functions beyond their noise: what a shift by 0.05 and 0.13 deviations makes."""

_SHIFT = (
    "The law does not have the shape of these rows: train longer or with more layers, or compare where they "
    "come from."
)


def marginals(subject: Subject) -> Finding:
    """Kolmogorov-Smirnov distance of every base coordinate of the rows from the base law; the largest.

    For an autoregressive flow these are the probability integral transforms of each column given those before it. From
    the distance the noise for so many rows is taken (a right law stays below it but for 1e-4); what remains is an
    effect size. Above 0.02, a shift by 0.05 deviations, is worth a look, above 0.05, a shift by 0.13, fails. With n
    rows a shift by 0.13 + 12 / sqrt(n) deviations fails for certain.
    """
    return _distances(subject, "base marginals", subject.heights, "base coordinate", None)


def conditional_transforms(subject: Subject) -> Finding:
    """Kolmogorov-Smirnov distance of P(column < x_i | all other columns) from uniform; the largest of all columns.

    For any law over vectors with a density, also without a base. On as many rows as 400,000 densities allow; thresholds
    as for the base coordinates.
    """
    if len(subject.law.event_shape) != 1:
        raise NotApplicable("the law is not over vectors.")
    count = int(np.clip(_EVALUATIONS // (97 * subject.size), 50, 500))
    rows, context = subject.rows[:count], None if subject.context is None else subject.context[:count]
    places = range(min(subject.size, 100))
    found = conditionals(subject.law, rows, subject.rows, columns=places, context=context)
    below = found.below[:, : len(places)]
    fine = np.isfinite(below).all(axis=1)
    if fine.sum() < 20:
        raise NotApplicable("the density along the columns is not finite.")
    return _distances(subject, "conditionals", below[fine], "column", subject.columns)


def _distances(
    subject: Subject, name: str, heights: np.ndarray, what: str, columns: list[str] | None
) -> Finding:
    distances = distance_from_uniform(heights)
    worst, noise = int(np.argmax(distances)), distance_noise(*heights.shape)
    largest = float(distances[worst])
    which = str(worst + 1) if columns is None else columns[worst]
    return judged(
        name,
        max(largest - noise, 0.0) if largest == largest else float("nan"),
        _LOOK,
        _FAIL,
        f"distribution functions differ by at most {largest:.3f} ({what} {which}, {len(heights)} rows; "
        f"{noise:.3f} is noise)",
        _SHIFT,
    )


def correlations(subject: Subject) -> Finding:
    """Largest correlation of two base coordinates, or of how far out they are, in the heights of the base law.

    From it the noise for so many rows and pairs is taken. What remains is worth a look above 0.05 and fails above 0.15.
    """
    heights = subject.heights
    size = heights.shape[1]
    if size < 2:
        raise NotApplicable("there is one base coordinate.")
    noise, largest, which = correlation_noise(len(heights), size * (size - 1)), 0.0, ""
    for values, what in ((heights, "values"), (np.abs(heights - 0.5), "distances from the centre")):
        with np.errstate(invalid="ignore", divide="ignore"):  # a constant coordinate has no correlation
            matrix = np.abs(np.corrcoef(values.T)) - np.eye(size)
        matrix = np.nan_to_num(matrix, nan=0.0)
        first, second = np.unravel_index(int(np.argmax(matrix)), matrix.shape)
        if matrix[first, second] >= largest:
            largest, which = float(matrix[first, second]), f"{what} of {first + 1} and {second + 1}"
    return judged(
        "base correlations",
        max(largest - noise, 0.0),
        0.05,
        0.15,
        f"base coordinates are correlated by at most {largest:.3f} ({which}; {noise:.3f} is noise)",
        "Columns depend on each other in a way that the law does not have: more layers, other orders of the "
        "columns, or whitening.",
    )


def radii(subject: Subject) -> Finding:
    """Kolmogorov-Smirnov distance of the squared radii of base points from the chi-squared law.

    Finds base points that are too far out or too near all together, which no single coordinate shows. Noise and
    thresholds are those of one coordinate.
    """
    points = subject.base_points
    if not isinstance(subject.flow.base, StandardNormal):
        raise NotApplicable(f"the base law is {type(subject.flow.base).__name__}, not normal.")
    squares = np.sum(points**2, axis=1) / 2
    heights = np.asarray(jax.scipy.special.gammainc(points.shape[1] / 2, squares), np.float64)
    return _distances(subject, "base radii", heights[:, None], "radius", ["of all coordinates"])


def draws(subject: Subject) -> Finding:
    """Difference between the log-density that comes with a draw and that of the same event by `log_prob`, in nats.

    Judged is the median over as many draws as there are rows: above 0.01 is worth a look, above 0.1 fails. A law with a
    stochastic bound differs more, and should be looked at.
    """
    again = np.asarray(subject.law.log_prob(subject.draws, subject.context), np.float64)
    with np.errstate(invalid="ignore"):
        value = float(np.median(np.nan_to_num(np.abs(again - subject.draws_log_prob), nan=np.inf)))
    return judged(
        "draws",
        value,
        0.01,
        0.1,
        f"log-densities of draws and of the same events differ by {value:.2g} nats in the median",
        "One direction of the maps is wrong or does not converge: samples are not from the density that is reported.",
    )
