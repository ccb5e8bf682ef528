"""The section on single columns: data against samples."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..data.schema import Column
from ..diagnostics import Histogram, distance, histogram, shown
from ..plots import Shares, column_legend, column_picture, embed
from .blocks import Block, Gallery, Picture, Section, Text
from .subject import Subject
from .words import number, share, value_of

MOST_LEVELS = 14
"""Levels of a column that get bars of their own."""

_MOST_COLUMNS = 60
_BINS = 44


class View(NamedTuple):
    """One column of the data and of the samples, ready to be drawn.

    Attributes:
        histograms: of the continuous values, over values as the table has them (days since 1970 for dates), or None.
        shares: of levels, point masses and missing values, or None.
        outside: the share of the data beyond the histogram.
        distance: of the two laws, from 0 to 1.
    """

    histograms: tuple[Histogram, Histogram] | None
    shares: Shares | None
    outside: float
    distance: float


def marginals(subject: Subject) -> Section:
    """Return the section."""
    columns = subject.model.columns
    data, samples = subject.rows.codes, subject.drawn
    views = [column_view(*of) for of in zip(columns, data.T, samples.T, strict=True)]
    order = sorted(range(len(views)), key=lambda place: -views[place].distance)[:_MOST_COLUMNS]
    pictures = [
        _picture(columns[place], views[place], data[:, place], samples[:, place]) for place in sorted(order)
    ]
    worst = columns[order[0]].name
    blocks: list[Block] = [
        Text(
            f"{len(data):,} rows of the table against {len(samples):,} "
            f"samples{', each for the given values of one of the rows' if subject.model.given else ''}. "
            "The distance of two distributions goes from 0, the same, to 1: the largest difference of "
            "their distribution functions, or, of levels, half the sum of the differences of their "
            f"shares. It is largest for {worst}. Noise alone makes about "
            f"{1.2 * np.sqrt(1 / len(data) + 1 / len(samples)):.3f} in a column of numbers."
        ),
        Picture(embed(column_legend()), "Legend: data are filled in grey, samples are red."),
        Gallery(pictures),
    ]
    if len(columns) > len(order):
        blocks.insert(1, Text(f"Shown are the {len(order)} of {len(columns)} columns that differ most."))
    return Section("columns", "Columns: data against samples", blocks)


def column_view(column: Column, data: np.ndarray, samples: np.ndarray) -> View:
    """Return what there is to draw of a column's codes, shapes (n,) and (m,)."""
    if column.kind == "categorical":
        return View(None, _levels(column, data, samples), 0.0, distance(data, samples, levels=True))
    bare_data, bare_samples = (_bare(column, codes) for codes in (data, samples))
    apart = distance(data, samples, levels=False)
    points = np.unique(np.concatenate([bare_data, bare_samples]))
    if column.step is not None and len(points) <= MOST_LEVELS and not column.masses:
        return View(None, _few(column, points, data, samples), 0.0, apart)
    shares = _classes(column, data, samples)
    if not len(bare_data) or not len(bare_samples):
        return View(None, shares, 0.0, apart)
    edges = edges_of(column, bare_data, _BINS)
    outside = float(((bare_data < edges[0]) | (bare_data > edges[-1])).sum() / len(data))
    moved = edges + column.origin
    pair = histogram(bare_data + column.origin, moved), histogram(bare_samples + column.origin, moved)
    return View(pair, shares, outside, apart)


def edges_of(column: Column, bare: np.ndarray, bins: int) -> np.ndarray:
    """Return the edges of at most about so many bins, in codes; of whole cells where the column has a grid."""
    if column.period is not None:
        return (column.low or 0.0) + np.linspace(0, column.period, bins + 1)
    low, high = shown(bare)
    if column.step is None:
        ends = (column.low, column.high)
        low = low if ends[0] is None else max(low, ends[0])
        high = high if ends[1] is None else min(high, ends[1])
        return np.linspace(low, high, bins + 1)
    low, high = (float(np.quantile(bare, q)) for q in (0.002, 0.998))
    start = column.start or 0.0
    low = start + column.step * round((low - start) / column.step)
    width = max(int(np.ceil((high - low) / column.step / bins)), 1) * column.step
    count = int(np.ceil((high - low) / width + 1e-9)) + 1
    return low - column.step / 2 + width * np.arange(count + 1)


def _bare(column: Column, codes: np.ndarray) -> np.ndarray:
    return codes[~np.isnan(codes) & ~np.isin(codes, np.asarray(column.masses, float))]


def shares_of(codes: np.ndarray, points: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the share of each of some codes, NaN for missing ones, shape (points,)."""
    return np.array([np.mean(np.isnan(codes) if np.isnan(point) else codes == point) for point in points])


def _levels(column: Column, data: np.ndarray, samples: np.ndarray) -> Shares:
    """Return the shares of categories: all of a few in their order, else the most frequent ones and the others."""
    points = np.arange(len(column.categories), dtype=float)
    ours, theirs = shares_of(data, points), shares_of(samples, points)
    names = (
        [value_of(column, point) for point in points[:2000]]
        if len(points) <= 2000
        else [str(int(p)) for p in points]
    )
    if len(points) <= MOST_LEVELS:
        return Shares(names, ours, theirs)
    best = np.argsort(-ours, kind="stable")[: MOST_LEVELS - 1]
    rest = [1 - ours[best].sum(), 1 - theirs[best].sum()]
    labels = [*(names[place] for place in best), f"{len(points) - len(best)} others"]
    return Shares(labels, np.append(ours[best], rest[0]), np.append(theirs[best], rest[1]))


def _few(column: Column, points: np.ndarray, data: np.ndarray, samples: np.ndarray) -> Shares:
    if column.missing:
        points = np.append(points, np.nan)
    names = ["missing" if np.isnan(point) else value_of(column, point) for point in points]
    return Shares(names, shares_of(data, points), shares_of(samples, points))


def _classes(column: Column, data: np.ndarray, samples: np.ndarray) -> Shares | None:
    """Return the shares of point masses and missing values, and of all other values."""
    points = [*column.masses[: MOST_LEVELS - 2], *([np.nan] if column.missing else [])]
    if not points:
        return None
    names = ["missing" if np.isnan(point) else value_of(column, point) for point in points]
    ours, theirs = shares_of(data, points), shares_of(samples, points)
    return Shares([*names, "others"], np.append(ours, 1 - ours.sum()), np.append(theirs, 1 - theirs.sum()))


def _picture(column: Column, view: View, data: np.ndarray, samples: np.ndarray) -> Picture:
    image = embed(column_picture(view.histograms, view.shares, dates=column.kind == "datetime"))
    says, caption = [], [f"{column.kind}; distance {view.distance:.3f}"]
    if view.histograms is not None:
        quantiles = [
            [
                _told(column, float(q))
                for q in np.quantile(_bare(column, codes), (0.05, 0.5, 0.95), method="nearest")
            ]
            for codes in (data, samples)
        ]
        says.append(
            f"Histogram of {column.name}: median {quantiles[0][1]} in the data and {quantiles[1][1]} among "
            f"the samples, nine tenths between {quantiles[0][0]} and {quantiles[0][2]}, and between "
            f"{quantiles[1][0]} and {quantiles[1][2]}."
        )
        caption.append(f"median {quantiles[0][1]}, samples {quantiles[1][1]}")
    if view.shares is not None:
        says.append(f"Shares in {column.name}, data and samples: {_spoken(view.shares)}.")
        if view.histograms is not None:
            caption.append(
                f"{view.shares.labels[0]}: {share(view.shares.data[0])}, samples {share(view.shares.samples[0])}"
            )
    if view.outside > 0:
        caption.append(f"{share(view.outside)} of the rows lie beyond the picture")
    return Picture(image, " ".join(says), column.name, caption)


def _told(column: Column, code: float) -> str:
    """Return a quantile: on a grid and of dates as the table has it, else with four digits."""
    exact = column.lattice or column.kind == "datetime"
    return value_of(column, code) if exact else number(code + column.origin)


def _spoken(shares: Shares) -> str:
    parts = [
        f"{label} {share(float(ours))} and {share(float(theirs))}"
        for label, ours, theirs in zip(shares.labels[:8], shares.data, shares.samples, strict=False)
    ]
    more = len(shares.labels) - len(parts)
    return "; ".join(parts) + (f"; and {number(more)} more" if more else "")
