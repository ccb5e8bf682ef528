"""The section on the pairs of columns that depend most on each other: data against samples."""

import numpy as np

from ..data.schema import Column
from ..diagnostics import Dependence, class_information, dependent_pairs
from ..plots import Axis, embed, pair_picture
from .blocks import Gallery, Picture, Section, Text
from .columns import MOST_LEVELS, edges_of
from .subject import Subject
from .words import value_of

_PAIRS = 6
_BINS = 36


def pairs(subject: Subject, found: list[Dependence]) -> Section:
    """Return the section; `found` are the pairs that depend most on each other, in the data."""
    if not found:
        return Section(
            "pairs", "Pairs of columns", [Text("The model has a single column: there are no pairs.")]
        )
    columns = len(subject.model.columns)
    some = "pair" if len(found) == 1 else f"{len(found)} pairs"
    intro = Text(
        f"The {some} of columns that depend most on each other in the data, of {columns * (columns - 1) // 2}: "
        "shares of rows in the cells of a plane, darker for more. The information of a pair is what one column tells "
        "about the other, in nats, with each cut into at most 12 classes."
    )
    title = "Pairs of columns: data against samples"
    return Section("pairs", title, [intro, Gallery([_picture(subject, pair) for pair in found], wide=True)])


def _picture(subject: Subject, pair: Dependence) -> Picture:
    places = [pair.first, pair.second]
    data, samples = subject.rows.codes[:, places], subject.drawn[:, places]
    columns = subject.model.columns[pair.first], subject.model.columns[pair.second]
    x, y = (_axis(column, codes) for column, codes in zip(columns, data.T, strict=True))
    planes = [_plane(x, y, columns, codes) for codes in (data, samples)]
    nats = class_information(*samples.T)
    alt = (
        f"Two planes of {columns[0].name} against {columns[1].name}, data on the left, samples on the right: "
        f"{pair.nats:.2f} nats of information in the data, {nats:.2f} among the samples."
    )
    caption = f"information {pair.nats:.2f} nats in the data, {nats:.2f} among the samples"
    names = f"{columns[0].name} and {columns[1].name}"
    return Picture(embed(pair_picture(x[0], y[0], *planes)), alt, names, (caption,))


Side = tuple[Axis, np.ndarray]
"""One side of a plane: how it is drawn, and the codes of its levels, or empty where the edges are values."""


def _axis(column: Column, codes: np.ndarray) -> Side:
    present = codes[~np.isnan(codes)]
    values, counts = np.unique(present, return_counts=True)
    few = column.step is not None and len(values) <= MOST_LEVELS
    if column.kind != "categorical" and not few:
        edges = edges_of(column, present, _BINS) + column.origin
        return Axis(column.name, edges, dates=column.kind == "datetime"), np.empty(0)
    if len(values) > MOST_LEVELS:
        values = np.sort(values[np.argsort(-counts, kind="stable")[:MOST_LEVELS]])
    labels = [value_of(column, value) for value in values]
    return Axis(column.name, np.arange(len(values) + 1) - 0.5, labels), values


def _plane(x: Side, y: Side, columns: tuple[Column, Column], codes: np.ndarray) -> np.ndarray:
    """Return the share of rows in each cell; rows beyond the picture count as rows."""
    first, second = (
        _position(side, column, values) for side, column, values in zip((x, y), columns, codes.T, strict=True)
    )
    counts = np.histogram2d(second, first, bins=(y[0].edges, x[0].edges))[0]
    return counts / len(codes)


def _position(side: Side, column: Column, codes: np.ndarray) -> np.ndarray:
    levels = side[1]
    if not len(levels):
        return np.where(np.isnan(codes), -np.inf, codes + column.origin)
    places = np.clip(np.searchsorted(levels, codes), 0, len(levels) - 1)
    return np.where(levels[places] == codes, places, -np.inf).astype(float)


def strongest(subject: Subject) -> list[Dependence]:
    """Return the pairs of columns that depend most on each other in the data."""
    return dependent_pairs(subject.rows.codes, most=_PAIRS)
