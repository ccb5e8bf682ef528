import numpy as np
import pytest

from pushforward.plots import Matrix, matrices


def test_names_zeros_and_colours(texts):
    values = np.array([[1.0, 0.0], [-3.0, 2.0]])
    panel = Matrix(values, "A title", "a note", ("row", "column"), ("y1", "y2"), ("x1", "x2"))
    figure = matrices([panel, Matrix(values / 2)], scale="slopes")
    first, second = figure.axes[:2]
    said = texts(figure)
    for text in ["A title", "column\na note", "row", "y1", "y2", "x1", "x2", "slopes"]:
        assert text in said
    for axes, expected in ((first, values), (second, values / 2)):
        (image,) = axes.images
        shown = image.get_array()
        np.testing.assert_array_equal(np.ma.filled(shown, 0), expected)
        assert np.ma.getmaskarray(shown)[0, 1] or np.isnan(shown[0, 1])  # white, not the colour of zero
        assert image.get_clim() == (-3, 3)
        np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 0]])  # the dot, at column 1 of row 0
    assert first.get_ylim()[0] > first.get_ylim()[1]  # the first row is above
    figure.draw_without_rendering()


def test_colours_from_zero_where_nothing_is_below():
    figure = matrices([Matrix(np.array([[0.5, 2.0]]))])
    assert figure.axes[0].images[0].get_clim() == (0, 2)


def test_numbers(texts):
    figure = matrices([Matrix(np.array([[0.0, -1.257]]))], numbers=True, limit=5)
    assert {"0", "-1.26"} <= set(texts(figure))
    assert figure.axes[0].images[0].get_clim() == (-5, 5)


@pytest.mark.parametrize(("count", "columns", "rows"), [(3, 2, 2), (3, 0, 1)])
def test_panels_fill_rows(count, columns, rows):
    figure = matrices([Matrix(np.eye(2), str(place)) for place in range(count)], columns=columns)
    assert [axes.get_title(loc="left") for axes in figure.axes if axes.axison] == ["0", "1", "2"][:count]
    assert figure.axes[0].get_gridspec().nrows == rows
    figure.draw_without_rendering()
