from matplotlib.colors import to_hex

from pushforward.plots import cost_curves


def test_cost_curves(texts):
    figure = cost_curves(
        [2, 8],
        {"first": {"a": [1.0, 4.0], "b": [2.0, 2.0]}, "second": {"b": [3.0, 9.0]}},
        size_name="features",
        cost_name="milliseconds",
    )
    left, right = figure.axes
    for text in ["first", "second", "a", "b", "features", "milliseconds", "2", "8"]:
        assert text in texts(figure)
    assert left.lines[0].get_xydata().tolist() == [[2, 1], [8, 4]]
    assert right.lines[0].get_xydata().tolist() == [[2, 3], [8, 9]]
    assert to_hex(left.lines[1].get_color()) == to_hex(right.lines[0].get_color())  # b has one colour
    assert (left.get_xscale(), left.get_yscale()) == ("log", "log")
    assert left.get_ylim() == right.get_ylim()
    figure.draw_without_rendering()
