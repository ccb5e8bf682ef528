import numpy as np
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from pushforward.diagnostics import Field
from pushforward.plots import density_surfaces

LIMITS = ((0.0, 2.0), (0.0, 1.0))


def test_solids_have_one_scale(texts):
    ramp = np.linspace(0, 1, 6)[:, None] * np.linspace(0, 1, 8)[None, :]
    low, high = Field(LIMITS, ramp), Field(LIMITS, 4 * ramp)
    figure = density_surfaces(
        [low, high], ["first", "second"], [("x1", "x2"), ("u1", "u2")], limits=[((-1, 3), (-1, 2))] * 2
    )
    for text in ["first", "second", "x1", "x2", "u1", "u2"]:
        assert text in texts(figure)
    assert [axes.get_zlim() for axes in figure.axes] == [(0, 4), (0, 4)]
    assert [axes.get_xlim() for axes in figure.axes] == [(-1, 3), (-1, 3)]
    figure.draw_without_rendering()
    for axes, top in zip(figure.axes, (1, 4), strict=True):
        walls = [item for item in axes.collections if isinstance(item, Poly3DCollection)][1:]
        assert len(walls) == 2
        front, right = (wall._faces[0] for wall in walls)
        # The walls stand where the viewer is: at the least second and the greatest first coordinate.
        assert np.all(front[:, 1] == 0)
        assert np.all(right[:, 0] == 2)
        assert right[:, 2].max() == top
