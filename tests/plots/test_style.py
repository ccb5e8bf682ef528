import matplotlib as mpl

from pushforward.plots.style import INK, look


def test_look_holds_inside_alone():
    before = mpl.rcParams["text.color"]
    with look():
        assert mpl.rcParams["text.color"] == INK
    assert mpl.rcParams["text.color"] == before
