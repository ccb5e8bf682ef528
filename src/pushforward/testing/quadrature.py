"""Adaptive quadrature of densities in one or two dimensions, for any number of kinks."""

import itertools
from collections.abc import Callable

import numpy as np

# Clenshaw and Curtis' rule with five nodes on [-1, 1], and Simpson's, whose nodes are among them.
_NODES = np.array([-1.0, -np.sqrt(0.5), 0.0, np.sqrt(0.5), 1.0])
_FINE = np.array([1.0, 8.0, 12.0, 8.0, 1.0]) / 15
_COARSE = np.array([1.0, 0.0, 4.0, 0.0, 1.0]) / 3


def integrate(
    function: Callable[[np.ndarray], np.ndarray],
    low: np.ndarray,
    high: np.ndarray,
    *,
    cells: int,
    tolerance: float,
    most: int,
) -> tuple[np.ndarray, float]:
    """Integrate over a box, halving the cells where two rules differ until the sum of differences is small.

    Args:
        function: takes points, shape (n, d), and returns numbers, shape (n, k); the first of k decides about
            accuracy.
        low: the box's lower end, shape (d,).
        high: the box's upper end, shape (d,).
        cells: how many cells to start with, along each axis.
        tolerance: the sum of differences to stop at. It overstates the error by far where the function is
            smooth.
        most: how many points to look at, at most.

    Returns:
        The integrals, shape (k,), and the remaining sum of differences of the first.

    Reference: Clenshaw and Curtis 1960, A method for numerical integration on an automatic computer,
    Numerische
        Mathematik 2, 197-205.
    """
    size = len(low)
    edges = [np.arange(cells) * (high[axis] - low[axis]) / cells + low[axis] for axis in range(size)]
    corners = np.stack(np.meshgrid(*edges, indexing="ij"), axis=-1).reshape(-1, size)
    widths = np.broadcast_to((high - low) / cells, corners.shape)
    values, errors = _rules(function, corners, widths)
    looked = len(corners) * len(_NODES) ** size
    while errors.sum() > tolerance and looked < most:
        # The worst cells first, as many as make up half of the sum.
        order = np.argsort(-errors)
        half = int(np.searchsorted(np.cumsum(errors[order]), errors.sum() / 2))
        worst, rest = order[: 1 + half], order[1 + half :]
        shifts = np.array(list(itertools.product((0.0, 0.5), repeat=size)))
        inner = (corners[worst][:, None, :] + shifts * widths[worst][:, None, :]).reshape(-1, size)
        halves = np.repeat(widths[worst] / 2, len(shifts), axis=0)
        fresh = _rules(function, inner, halves)
        corners, widths = np.concatenate([corners[rest], inner]), np.concatenate([widths[rest], halves])
        values = np.concatenate([values[rest], fresh[0]])
        errors = np.concatenate([errors[rest], fresh[1]])
        looked += len(inner) * len(_NODES) ** size
    return values.sum(axis=0), float(errors.sum())


def _rules(
    function: Callable[[np.ndarray], np.ndarray], corners: np.ndarray, widths: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The finer rule's integrals over every cell, and the first one's distance from the coarser rule's."""
    size = corners.shape[1]
    offsets = np.stack(np.meshgrid(*[(_NODES + 1) / 2] * size, indexing="ij"), axis=-1).reshape(-1, size)
    points = corners[:, None, :] + offsets * widths[:, None, :]
    heights = function(points.reshape(-1, size)).reshape(len(corners), len(offsets), -1)
    volumes = np.prod(widths, axis=1) / 2**size
    fine, coarse = (
        volumes[:, None] * np.einsum("cnk,n->ck", heights, _product(weights, size))
        for weights in (_FINE, _COARSE)
    )
    return fine, np.abs(fine - coarse)[:, 0]


def _product(weights: np.ndarray, size: int) -> np.ndarray:
    out = np.ones(1)
    for _ in range(size):
        out = np.outer(out, weights).reshape(-1)
    return out
