import numpy as np

from pushforward.diagnostics import histogram
from pushforward.plots import Axis, Shares, column_legend, column_picture, embed, pair_picture, stage_picture
from pushforward.plots.columns import short


def pair(values, edges):
    return histogram(values, edges), histogram(values[::2], edges)


def test_a_column_has_a_panel_for_values_and_one_for_levels(texts):
    histograms = pair(np.linspace(0, 1, 50), np.linspace(0, 1, 6))
    shares = Shares(["exactly 0", "others"], np.array([0.3, 0.7]), np.array([0.25, 0.75]))
    figure = column_picture(histograms, shares)
    assert len(figure.axes) == 2
    assert [patch.get_width() for patch in figure.axes[1].patches] == [0.3, 0.7, 0.25, 0.75]
    assert "exactly 0" in texts(figure)
    assert len(column_picture(histograms, None).axes) == len(column_picture(None, shares).axes) == 1


def test_dates_are_shown_as_dates(texts):
    days = 19_000 + np.linspace(0, 700, 50)  # of 2022 and 2023
    figure = column_picture(pair(days, np.linspace(19_000, 19_700, 6)), None, dates=True)
    embed(figure)  # which draws the ticks
    assert "2023" in texts(figure)


def test_pairs_share_axes_and_shades(texts):
    x = Axis("size $x$", np.arange(4.0))
    y = Axis("town", np.arange(3) - 0.5, ["Bern", "a town with a very long name"])
    data, samples = np.array([[0.1, 0.2, 0.3], [0.4, 0, 0]]), np.full((2, 3), 1 / 6)
    figure = pair_picture(x, y, data, samples)
    left, right = figure.axes
    assert left.get_ylim() == right.get_ylim() == (-0.5, 1.5)
    assert {"data", "samples", "town", "Bern", "a town with a v\N{HORIZONTAL ELLIPSIS}"} <= set(texts(figure))
    assert not left.xaxis.label.get_parse_math()  # a dollar is a dollar
    assert not any(label.get_parse_math() for label in left.get_yticklabels())
    meshes = [axes.collections[0] for axes in figure.axes]
    np.testing.assert_array_equal(meshes[0].get_array(), data)
    assert meshes[0].norm.vmax == meshes[1].norm.vmax == 0.4


def test_a_stage_shows_all_but_the_most_extreme_points():
    points = np.random.default_rng(0).normal(size=(1000, 2))
    points[0] = 1e6
    axes = stage_picture(points, np.linspace(0, 1, 1000)).axes[0]
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), points)
    np.testing.assert_array_equal(axes.collections[0].get_array(), np.linspace(0, 1, 1000))
    assert 2 < axes.get_xlim()[1] < 6


def test_the_legend_and_short_names(texts):
    assert {"data", "samples"} <= set(texts(column_legend()))
    assert (
        short("a\x1b[31m" + "b" * 40)
        == "a\N{REPLACEMENT CHARACTER}[31m" + "b" * 9 + "\N{HORIZONTAL ELLIPSIS}"
    )
