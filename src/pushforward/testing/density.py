"""Checks of a density: it integrates to one, and the draws are its own."""

import functools
import math
from typing import NamedTuple

import numpy as np

from ..distributions.closed_form import ClosedForm
from . import counting, regions
from .law import LawSubject
from .quadrature import integrate
from .report import Finding, skip, worst_finding, worst_of
from .statistics import dkw_bound, ks_distance

FALSE_FAIL = 1e-6
"""How often a check that draws fails a correct law, at most; shared among the tests inside it."""
_NODES = {1: 16384, 2: 192}
_GRID_ERROR = 4e-3  # of the grid's distribution functions, where the density has kinks
_CELLS = {1: 64, 2: 24}
_MOST_POINTS = 300_000


class Axis(NamedTuple):
    """How a coordinate x is covered: x(t), t in [low, high].

    Attributes:
        low: least t.
        high: largest t.
        centre: x(t) = centre + scale * sinh(t), whose steps are small where the mass is; None for x(t) = t.
        scale: see centre.
    """

    low: float
    high: float
    centre: float | None
    scale: float

    def x(self, t: np.ndarray) -> np.ndarray:
        """The coordinate."""
        return t if self.centre is None else self.centre + self.scale * np.sinh(t)

    def t(self, x: np.ndarray) -> np.ndarray:
        """The inverse of x(t)."""
        return x if self.centre is None else np.arcsinh((x - self.centre) / self.scale)

    def slope(self, t: np.ndarray) -> np.ndarray:
        """Dx / dt."""
        return np.ones_like(t) if self.centre is None else self.scale * np.cosh(t)


class Grid(NamedTuple):
    """The mass of a density around the nodes of a product grid.

    Attributes:
        nodes: one vector of coordinates per dimension.
        mass: shape of the grid.
    """

    nodes: list[np.ndarray]
    mass: np.ndarray

    def marginal(self, axis: int) -> np.ndarray:
        """The mass along one axis."""
        return self.mass.sum(axis=tuple(other for other in range(self.mass.ndim) if other != axis))


def normalised(subject: LawSubject) -> Finding:
    """The density integrates to one: to 1e-4 by quadrature in one and two dimensions, else by counting.

    Beyond two dimensions draws are compared with volume times density in three regions (`regions.count`): a
    density that is wrong by a factor is found where the draws are. False failures: at most 1e-6. Over whole numbers the
    probabilities of all events are summed, if these are not too many.
    """
    if subject.values is not None:
        return counting.total(subject)
    if subject.features in _NODES:
        integrals, rest = _integrals(subject)
        total = float(integrals[0])
        return Finding(
            abs(total - 1), 1e-4 + rest, "", f"the density integrates to {total:.6f} +- {rest:.0e}"
        )
    rate = FALSE_FAIL / regions.REGIONS
    return worst_finding([regions.count(regions.region(subject, i), rate) for i in range(regions.REGIONS)])


def samples_follow_log_prob(subject: LawSubject) -> Finding:
    """The draws have the density that log_prob says.

    In one and two dimensions their distribution functions are compared with quadrature, by the bound of
    Dvoretzky, Kiefer, Wolfowitz and Massart. In two and more, draws are counted in three regions, and
    compared there with points that have the density by construction. Inverting draws to the base proves
    nothing and is not done. Over whole numbers every event, and every value of every element, is counted. False
    failures: at most 1e-6.
    """
    if subject.values is not None:
        return counting.frequencies(subject, FALSE_FAIL)
    findings = []
    if subject.features in _NODES:
        findings += [_marginal(subject, axis) for axis in range(subject.features)]
    if subject.features > 1:
        rate = FALSE_FAIL / (4 * regions.REGIONS)
        for index in range(regions.REGIONS):
            here = regions.region(subject, index)
            findings += [regions.count(here, rate), *regions.alike(here, rate)]
    return worst_finding(findings)


def moments(subject: LawSubject) -> Finding:
    """If the law knows its mean and variance: quadrature agrees within 1 % of the standard deviation."""
    law = subject.law()
    if not isinstance(law, ClosedForm):
        return skip("the law does not know its moments.")
    if subject.features not in _NODES:
        return skip("more than two dimensions.")
    mean, variance = (np.asarray(value(), np.float64).reshape(-1) for value in (law.mean, law.variance))
    seen = _integrals(subject)[0][1:].reshape(subject.features, 3)
    findings = []
    for axis in np.flatnonzero(np.isfinite(variance)):
        first, second, outside = seen[axis]
        if outside > 1e-3 * variance[axis]:
            findings.append(skip("the tails are too heavy for a quadrature of the variance."))
            continue
        centre = first - mean[axis]
        error = np.array(
            [abs(centre) / math.sqrt(variance[axis]), abs((second - first**2) / variance[axis] - 1)]
        )
        places = [f"mean of element {axis}", f"variance of element {axis}"]
        findings.append(worst_of(error, 1e-2, places, "relative error"))
    return worst_finding(findings) if findings else skip("the variance is not finite.")


def _integrals(subject: LawSubject) -> tuple[np.ndarray, float]:
    """Integrals of 1 and, for every axis, of x, x^2 and x^2 far out, by the density; the first one's error."""
    return subject.once("integrals", lambda: _integrate(subject))


def _integrate(subject: LawSubject) -> tuple[np.ndarray, float]:
    axes = [_axis(subject, axis) for axis in range(subject.features)]

    def heights(t: np.ndarray) -> np.ndarray:
        points = np.stack([axis.x(t[:, i]) for i, axis in enumerate(axes)], axis=-1)
        slopes = np.prod([axis.slope(t[:, i]) for i, axis in enumerate(axes)], axis=0)
        density = np.exp(subject.log_prob(points.reshape(-1, *subject.original.event_shape))) * slopes
        columns = [density]
        for i, axis in enumerate(axes):
            outer = (axis.centre is not None) & (np.abs(t[:, i]) > axis.high / 2)
            first, second = density * points[:, i], density * np.square(points[:, i])
            columns += [first, second, second * outer]
        return np.stack(columns, axis=-1)

    low, high = np.array([axis.low for axis in axes]), np.array([axis.high for axis in axes])
    cells = _CELLS[subject.features]
    return integrate(heights, low, high, cells=cells, tolerance=3e-5, most=_MOST_POINTS)


def grid(subject: LawSubject) -> Grid:
    """The density on a grid that holds all but a negligible part of its mass; computed once per subject."""
    return subject.once("grid", lambda: _grid(subject))


def _grid(subject: LawSubject) -> Grid:
    nodes, weights = [], []
    for index in range(subject.features):
        axis, count = _axis(subject, index), _NODES[subject.features] // 2
        # Half of the nodes evenly in t, half of them where the draws are.
        draws = np.quantile(subject.pilot.x.reshape(-1, subject.features)[:, index], _middles(count))
        t = np.unique(np.concatenate([axis.low + (axis.high - axis.low) * _middles(count), axis.t(draws)]))
        edges = np.concatenate([[axis.low], (t[1:] + t[:-1]) / 2, [axis.high]])
        nodes.append(axis.x(t))
        weights.append(axis.slope(t) * np.diff(edges))
    points = np.stack(np.meshgrid(*nodes, indexing="ij"), axis=-1)
    density = np.exp(subject.log_prob(points.reshape(-1, *subject.original.event_shape)))
    return Grid(nodes, density.reshape(points.shape[:-1]) * functools.reduce(np.multiply.outer, weights))


def _middles(count: int) -> np.ndarray:
    return (np.arange(count) + 0.5) / count


def _axis(subject: LawSubject, axis: int) -> Axis:
    """Cover the support's box, or more than twice as far as 4096 draws reach, on a logarithmic scale."""
    if subject.support is not None:
        return Axis(subject.support[0][axis], subject.support[1][axis], None, 1.0)
    draws = subject.pilot.x.reshape(-1, subject.features)[:, axis]
    low, centre, high = np.quantile(draws, [0.25, 0.5, 0.75])
    scale = max(high - low, 1e-12)
    # Even if x grows as exp(exp(z)) with z normal, the draws beyond are one in 1e5.
    reach = 3 + 2.2 * math.asinh(float(np.max(np.abs(draws - centre))) / scale)
    return Axis(-reach, reach, float(centre), float(scale))


def _marginal(subject: LawSubject, axis: int) -> Finding:
    """Compare one coordinate's draws with the grid's distribution function."""
    whole = grid(subject)
    mass = whole.marginal(axis)
    # Half of a node's mass lies to its left.
    draws = subject.draws.x.reshape(-1, subject.features)[:, axis]
    heights = np.interp(draws, whole.nodes[axis], (np.cumsum(mass) - mass / 2) / mass.sum())
    count = len(heights)
    bound = dkw_bound(count, FALSE_FAIL / (4 * subject.features)) + _GRID_ERROR
    message = f"distance of the distribution functions ({count} draws; {2 * bound:.3f} is found for certain)"
    return Finding(ks_distance(heights), bound, f"element {axis}", message)
