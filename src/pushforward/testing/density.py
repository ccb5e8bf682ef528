"""Checks of a density: it integrates to one, and the draws are its own."""

import functools
import math
from typing import NamedTuple

import numpy as np

from ..distributions.closed_form import ClosedForm
from . import regions
from .law import LawSubject
from .report import Finding, skip, worst_finding, worst_of
from .statistics import dkw_bound, ks_distance

FALSE_FAIL = 1e-6
"""Probability with which a check that draws fails a correct law, at most; shared among the tests inside it."""
_NODES = {1: (32768,), 2: (384, 384)}


class Grid(NamedTuple):
    """A density on a product grid.

    Attributes:
        nodes: one vector of nodes per dimension.
        weights: one vector of quadrature weights per dimension.
        density: the density at the nodes, of the grid's shape.
    """

    nodes: list[np.ndarray]
    weights: list[np.ndarray]
    density: np.ndarray

    @property
    def mass(self) -> np.ndarray:
        """Density times weights."""
        return functools.reduce(
            lambda mass, axis: mass * _along(self.weights[axis], axis, mass.ndim),
            range(len(self.weights)),
            self.density,
        )


def normalised(subject: LawSubject) -> Finding:
    """The density integrates to one: to 1e-4 by quadrature in one and two dimensions, else by the ball identity.

    The ball identity compares draws with volume times density in three regions (`regions.count`): a density that is
    wrong by a factor is found where the draws are. False failures: at most 1e-6.
    """
    if subject.features in _NODES:
        total = float(grid(subject).mass.sum())
        return Finding(abs(total - 1), 1e-4, "", f"the density integrates to {total:.6f}")
    rate = FALSE_FAIL / regions.REGIONS
    return worst_finding([regions.count(regions.region(subject, i), rate) for i in range(regions.REGIONS)])


def samples_follow_log_prob(subject: LawSubject) -> Finding:
    """The draws have the density that log_prob says.

    In one and two dimensions their distribution functions are compared with quadrature, by the bound of Dvoretzky,
    Kiefer, Wolfowitz and Massart. In two and more, draws are counted in three regions, and compared there with
    points that have the density by construction. Inverting draws to the base proves nothing and is not done.
    False failures: at most 1e-6.
    """
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
    """If the law knows its mean and variance: they agree with quadrature within 1 % of the standard deviation."""
    law = subject.law()
    if not isinstance(law, ClosedForm):
        return skip("the law does not know its moments.")
    if subject.features not in _NODES:
        return skip("more than two dimensions.")
    whole = grid(subject)
    mean = np.asarray(law.mean(), np.float64).reshape(-1)
    variance = np.asarray(law.variance(), np.float64).reshape(-1)
    findings = []
    for axis, nodes in enumerate(whole.nodes):
        if not np.isfinite(variance[axis]):
            continue
        mass = whole.mass.sum(axis=tuple(other for other in range(len(whole.nodes)) if other != axis))
        centre = float(mass @ nodes)
        spread = float(mass @ np.square(nodes - centre))
        scale = math.sqrt(variance[axis])
        where = f"element {axis}"
        error = np.array([abs(centre - mean[axis]) / scale, abs(spread / variance[axis] - 1)])
        findings.append(worst_of(error, 1e-2, [f"mean of {where}", f"variance of {where}"], "relative error"))
    return worst_finding(findings) if findings else skip("the variance is not finite.")


def grid(subject: LawSubject) -> Grid:
    """The density on a grid that holds all but a negligible part of its mass; computed once per subject."""
    return subject.once("grid", lambda: _grid(subject))


def _grid(subject: LawSubject) -> Grid:
    pairs = [_axis(subject, axis, count) for axis, count in enumerate(_NODES[subject.features])]
    nodes, weights = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    points = np.stack(np.meshgrid(*nodes, indexing="ij"), axis=-1)
    events = points.reshape(-1, *subject.original.event_shape)
    density = np.exp(subject.log_prob(events)).reshape(points.shape[:-1])
    return Grid(nodes, weights, density)


def _axis(subject: LawSubject, axis: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights along one axis.

    In a bounded support midpoints. Otherwise the trapezoidal rule in t, x = centre + scale * sinh(t), which reaches
    twenty times as far as 4096 draws do while its steps near the centre stay small.
    """
    if subject.support is not None:
        low, high = subject.support[0][axis], subject.support[1][axis]
        nodes = low + (high - low) * (np.arange(count) + 0.5) / count
        return nodes, np.full(count, (high - low) / count)
    draws = subject.pilot.x.reshape(-1, subject.features)[:, axis]
    low, centre, high = np.quantile(draws, [0.25, 0.5, 0.75])
    scale = max(high - low, 1e-12)
    reach = 20 * max(1.0, float(np.max(np.abs(draws - centre))) / scale)
    t, step = np.linspace(-math.asinh(reach), math.asinh(reach), count, retstep=True)
    return centre + scale * np.sinh(t), scale * np.cosh(t) * step


def _marginal(subject: LawSubject, axis: int) -> Finding:
    """Compare one coordinate's draws with the grid's distribution function."""
    whole = grid(subject)
    mass = whole.mass.sum(axis=tuple(other for other in range(len(whole.nodes)) if other != axis))
    # Half of a node's mass lies to its left.
    heights = np.interp(
        subject.draws.x.reshape(-1, subject.features)[:, axis], whole.nodes[axis], np.cumsum(mass) - mass / 2
    )
    count = len(heights)
    bound = dkw_bound(count, FALSE_FAIL / (4 * subject.features)) + 1e-3
    message = f"distance of the distribution functions ({count} draws; {2 * bound:.3f} is found for certain)"
    return Finding(ks_distance(heights), bound, f"element {axis}", message)


def _along(vector: np.ndarray, axis: int, rank: int) -> np.ndarray:
    shape = [1] * rank
    shape[axis] = len(vector)
    return vector.reshape(shape)
