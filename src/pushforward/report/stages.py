"""The section on what the layers do to the rows: from the data to the base, in two coordinates."""

import numpy as np

from ..diagnostics import Dependence, flow_stages
from ..distributions import Dequantized, Flow
from ..plots import embed, stage_picture
from .blocks import Gallery, Picture, Section, Text
from .subject import Subject

_POINTS = 3_000
_PANELS = 6


def stages(subject: Subject, found: list[Dependence]) -> Section:
    """Return the section; the two coordinates are those of the pair of columns that depend most on each other."""
    title = "The flow's stages"
    law = subject.model.flow.base
    flow = law.flow if isinstance(law, Dequantized) else subject.model.flow
    if not isinstance(flow, Flow) or flow.event_shape[0] < 2:
        return Section(
            "stages", title, [Text("The flow has a single coordinate: there is no plane to show.")]
        )
    count = min(len(subject.usual), _POINTS)
    places = subject.usual[np.arange(count) * len(subject.usual) // count]
    codes, given = subject.rows.some(places)
    points = flow_stages(subject.model.flow, codes, given)[::-1]
    depth = len(points) - 1
    if any(stage.shape != points[0].shape for stage in points):
        return Section(
            "stages", title, [Text("The flow's layers change the number of coordinates: no picture.")]
        )
    pair = _coordinates(subject, found)
    chosen = np.unique(np.linspace(0, depth, min(_PANELS, depth + 1)).round().astype(int))[::-1]
    shade = np.argsort(np.argsort(points[-1][:, pair[0]], kind="stable")) / max(count - 1, 1)
    columns = subject.model.columns
    names = [columns[place].name for place in (found[0][:2] if found else (0, -1))]
    scores = "normal scores" if isinstance(law, Dequantized) else "values"
    across, up = points[0][:, pair].T
    ends = (
        f"means {_number(across.mean())} and {_number(up.mean())}, deviations {_number(across.std())} and "
        f"{_number(up.std())}, correlation {_number(np.corrcoef(across, up)[0, 1])}"
    )
    pictures = [
        Picture(
            embed(stage_picture(points[k][:, pair], shade)),
            f"Scatter plot of {count} rows, {_title(k, depth)}." + ("" if k else f" Here: {ends}."),
            _title(k, depth),
            () if k else (ends,),
        )
        for k in chosen
    ]
    text = (
        f"{count:,} rows on their way through the {depth} layers of the flow, read from the data to the base: the "
        f"coordinates that begin as the {scores} of {names[0]} (across) and {names[1]} (up). Each point keeps its "
        f"colour, from dark to light as {names[0]} rises. Each picture has limits of its own; a layer may exchange or "
        "mix coordinates. In the base the points of a right model form a round cloud without structure, with means 0 "
        "and deviations 1."
    )
    return Section("stages", title, [Text(text), Gallery(pictures)])


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00")


def _title(stage: int, depth: int) -> str:
    """Name a stage; layers are counted from the data."""
    return (
        "base"
        if stage == 0
        else "data side"
        if stage == depth
        else f"after {depth - stage} of {depth} layers"
    )


def _coordinates(subject: Subject, found: list[Dependence]) -> list[int]:
    """Return the last coordinate of each of the two columns: that of the value, where classes have their own."""
    pair = list(found[0][:2]) if found else [0, 1]
    law = subject.model.flow.base
    if not isinstance(law, Dequantized):
        return pair
    if len(law.encoder.cells) < 2:
        return [0, 1]
    ends = np.cumsum([cells.width for cells in law.encoder.cells])
    return [int(ends[place] - 1) for place in pair]
