import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba

from pushforward.diagnostics import Field, grid_lines
from pushforward.plots import Plane, planes
from pushforward.plots.planes import GROUPS

LIMITS = ((0.0, 2.0), (0.0, 1.0))


def test_everything_is_drawn_where_it_is(texts):
    lines = grid_lines(LIMITS, lines=3, points=2) + 0.25
    square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    points = np.array([[0.5, 0.5], [1.5, 0.5], [1.0, 1.0]])
    panel = Plane(
        "A title",
        LIMITS,
        Field(LIMITS, np.array([[0.0, 1.0], [2.0, 3.0]])),
        lines=lines,
        areas=[square],
        outlines=[2 * square],
        arrows=[np.array([[0.0, 0.0], [1.0, 0.5]])],
        points=points,
        groups=np.array([0, 1, 0]),
        note="a note",
        names=("x1", "x2"),
    )
    figure = planes([panel], title="A headline")
    (axes,) = figure.axes
    said = texts(figure)
    for text in ["A headline", "A title", "x1\na note", "x2"]:
        assert text in said
    assert (axes.get_xlim(), axes.get_ylim()) == LIMITS
    (image,) = axes.images
    assert image.get_extent() == [0, 2, 0, 1]
    assert image.origin == "lower"
    assert image.get_array()[1, 0] == 2.0
    collections = [item for item in axes.collections if isinstance(item, LineCollection)]
    for drawn, wanted in zip(collections, lines, strict=True):
        np.testing.assert_array_equal(drawn.get_segments(), wanted)
    np.testing.assert_array_equal(axes.patches[0].get_xy()[:-1], square)
    np.testing.assert_array_equal(axes.patches[-1].get_xy()[:-1], 2 * square)
    (cloud,) = [item for item in axes.collections if not isinstance(item, LineCollection)]
    np.testing.assert_array_equal(cloud.get_offsets(), points)
    colours = [to_rgba(GROUPS[group], 0.7) for group in (0, 1, 0)]
    np.testing.assert_allclose(cloud.get_facecolors(), colours)
    figure.draw_without_rendering()


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 0, 1), (3, 0, 1), (3, 2, 2), (4, 2, 2)])
def test_panels_fill_rows(count, columns, rows):
    square = np.array([[0.0, 0], [1, 0], [1, 1]])
    figure = planes([Plane(str(place), areas=[square]) for place in range(count)], columns=columns)
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title(loc="left") for axes in shown] == [str(place) for place in range(count)]
    assert figure.axes[0].get_gridspec().nrows == rows
    figure.draw_without_rendering()


def test_shades_are_shared_when_they_have_a_scale(texts):
    weak, strong = Field(LIMITS, np.full((2, 2), 0.5)), Field(LIMITS, np.full((2, 2), 4.0))
    figure = planes([Plane(field=weak), Plane(field=strong)], scale="density")
    assert [axes.images[0].get_clim() for axes in figure.axes[:2]] == [(0, 4), (0, 4)]
    assert "density" in texts(figure)
    alone = planes([Plane(field=weak), Plane(field=strong), Plane(field=strong, top=1.5)])
    assert [axes.images[0].get_clim() for axes in alone.axes] == [(0, 0.5), (0, 4), (0, 1.5)]
    figure.draw_without_rendering()
