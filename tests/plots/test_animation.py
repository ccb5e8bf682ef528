import numpy as np
from PIL import Image

from pushforward.plots import flow_animation


def test_points_rest_move_and_rest(tmp_path, texts):
    start = np.array([[0.0, 0.0], [1.0, 1.0]])
    stages = [start, start + np.array([2, 0]), start + np.array([2, 1])]
    animation = flow_animation(
        stages, np.array([0, 1]), ["a", "b", "c"], limits=((-1, 4), (-1, 3)), steps=2, rest=3, width=1.0
    )
    figure = animation._fig
    (axes,) = figure.axes
    seen = []
    for frame in range(10):
        animation._func(frame)
        seen.append((axes.get_title(loc="left"), axes.collections[0].get_offsets()[0].tolist()))
    at_rest, at_end = ("a", [0, 0]), ("c", [2, 1])
    between = [("b", [1, 0]), ("b", [2, 0]), ("c", [2, 0.5]), at_end]
    assert [title for title, _ in seen] == [title for title, _ in [at_rest] * 3 + between + [at_end] * 3]
    np.testing.assert_allclose(
        [place for _, place in seen], [p for _, p in [at_rest] * 3 + between + [at_end] * 3]
    )

    animation.save(tmp_path / "flow.gif", writer="pillow", dpi=40)
    with Image.open(tmp_path / "flow.gif") as image:
        assert image.info["loop"] == 0  # without end
        assert 1 < image.n_frames <= 10
