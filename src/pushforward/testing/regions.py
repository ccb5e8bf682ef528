"""The ball identity: in a region, draws thinned by their density must be as many as its volume says."""

import math
from typing import NamedTuple

import numpy as np

from .law import LawSubject
from .report import Finding, fail, skip
from .statistics import count_excess, dkw_bound, share_interval, two_sample_distance

REGIONS = 3
"""How many regions are looked at."""
_UNIFORM = 16384


class Region(NamedTuple):
    """An ellipsoid, and two samples in it whose densities are proportional to min(p, c), if all is right.

    Attributes:
        where: a description.
        kept: draws of the law inside, each kept with probability min(1, c / p(x)); in the coordinates of
            the unit ball, shape (m, d).
        drawn: how many draws of the law there were.
        reference: uniform points, each kept with probability min(1, p(x) / c); shape (r, d).
        unit: c times the volume: the chance of a draw to be kept is this times the chance of a uniform point.
    """

    where: str
    kept: np.ndarray
    drawn: int
    reference: np.ndarray
    unit: float


def count(here: Region, rate: float) -> Finding:
    """Compare the number of kept draws with what volume and density demand; `rate`: of false failures."""
    low, high = share_interval(len(here.reference), _UNIFORM, rate / 2)
    if low * here.unit >= 1:
        return fail("density times volume exceeds 1.", here.where)
    excess = count_excess(len(here.kept), here.drawn, low * here.unit, min(high * here.unit, 1.0))
    expected = here.drawn * here.unit * len(here.reference) / _UNIFORM
    share = 2 * math.sqrt(2 * math.log(4 / rate) * (1 / max(expected, 1) + 1 / max(len(here.reference), 1)))
    message = (
        f"-log of the chance that {len(here.kept)} of {here.drawn} draws are kept where the density says "
        f"{expected:.0f} (a change by {share:.0%} is found)"
    )
    return Finding(excess, math.log(4 / rate), here.where, message)


def alike(here: Region, rate: float) -> list[Finding]:
    """Compare both samples of a region in radius and along every axis; `rate`: of false failures."""
    if not len(here.kept) or not len(here.reference):
        return [skip("a sample in the region is empty.")]
    size = here.kept.shape[1]
    each = rate / (2 * (size + 1))
    bound = dkw_bound(len(here.kept), each) + dkw_bound(len(here.reference), each)
    findings = []
    for axis in range(-1, size):
        pair = [
            np.linalg.norm(part, axis=1) if axis < 0 else part[:, axis]
            for part in (here.kept, here.reference)
        ]
        message = f"distance of draws and density {'in radius' if axis < 0 else f'along axis {axis}'}"
        findings.append(Finding(two_sample_distance(*pair), bound, here.where, message))
    return findings


def region(subject: LawSubject, index: int) -> Region:
    """One of the regions, chosen with the pilot draws, counted with the others; computed once per subject.

    Its axes are those of the pilot draws' covariance, after clipping. The identity behind the counts is
    E_p[1{x in B} / p(x)] = vol(B), with which TensorFlow Probability tests its laws. Here 1 / p is bounded by
    thinning, so that counts are binomial, and the rate of false failures holds for every number of draws.
    """
    return subject.once(f"region {index}", lambda: _counted(subject, index, *_chosen(subject, index)))


def _chosen(subject: LawSubject, index: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Centre, factor (which holds the radius) and log c: the size for which the counts say most."""
    points = subject.pilot.x.reshape(-1, subject.features)
    spread = np.subtract(*np.quantile(points, [0.75, 0.25], axis=0))
    scaled = np.clip((points - np.median(points, axis=0)) / spread, -4, 4)
    covariance = np.atleast_2d(np.cov(scaled.T)) + 1e-3 * np.eye(subject.features)
    factor = spread[:, None] * np.linalg.cholesky(covariance)
    # The densest pilot draw, and others from the denser half.
    order = np.argsort(-subject.pilot.log_prob)
    centre = points[order[[0, len(order) // 8, len(order) // 3][index]]]
    distance = np.linalg.norm(np.linalg.solve(factor, (points - centre).T), axis=0)
    random = np.random.default_rng(index)
    best = (-np.inf, 0.0, 0.0)
    for share in (0.003, 0.01, 0.03, 0.1, 0.3):
        radius = float(np.quantile(distance, share))
        level = float(np.quantile(subject.pilot.log_prob[distance <= radius], 0.3))
        around = subject.log_prob(_uniform(subject, random, centre, radius * factor, 512)[1])
        chance = float(np.mean(np.exp(np.minimum(around - level, 0.0))))
        draws = 0.7 * share * len(subject.pilot.x) * 8
        best = max(best, (1 / (1 / draws + 1 / (chance * _UNIFORM + 1e-9)), radius, level))
    return centre, best[1] * factor, best[2]


def _counted(subject: LawSubject, index: int, centre: np.ndarray, factor: np.ndarray, level: float) -> Region:
    random = np.random.default_rng(100 + index)
    size = subject.features
    # The densities of `log_prob`, not those that came with the draws: it is `log_prob` that is on trial.
    flat = subject.draws.x.reshape(-1, size)
    inner = np.linalg.solve(factor, (flat - centre).T).T
    inside = np.linalg.norm(inner, axis=1) <= 1
    log_prob = subject.log_prob(subject.draws.x[inside])
    kept = np.log(random.uniform(size=len(log_prob))) < level - log_prob
    ways, events = _uniform(subject, random, centre, factor, _UNIFORM)
    chosen = np.log(random.uniform(size=_UNIFORM)) < subject.log_prob(events) - level
    log_volume = size / 2 * math.log(math.pi) - math.lgamma(size / 2 + 1) + np.linalg.slogdet(factor)[1]
    where = f"the ellipsoid around {np.array2string(centre[:4], precision=3)}"
    return Region(where, inner[inside][kept], len(flat), ways[chosen], math.exp(level + log_volume))


def _uniform(
    subject: LawSubject, random: np.random.Generator, centre: np.ndarray, factor: np.ndarray, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Uniform points of the unit ball, and the events that they stand for."""
    size = len(centre)
    ways = random.normal(size=(rows, size))
    ways *= (random.uniform(size=rows) ** (1 / size) / np.linalg.norm(ways, axis=1))[:, None]
    return ways, (centre + ways @ factor.T).reshape(rows, *subject.original.event_shape)
