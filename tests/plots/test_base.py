import numpy as np
import pytest

from pushforward.diagnostics import compare, histogram
from pushforward.plots import base_space


@pytest.mark.parametrize("size", [2, 5])
def test_base_space(size, texts):
    rng = np.random.default_rng(0)
    z, drawn = rng.normal(size=(300, size)), rng.normal(size=(500, size))
    radius, edges = np.linalg.norm(z, axis=1), np.linspace(0, 6, 21)
    figure = base_space(
        z[:, :2] * 10,
        z[:, :2],
        radius,
        names=("TEY (MWh)", "NOX (mg)"),
        radii=(histogram(radius, edges), histogram(np.linalg.norm(drawn, axis=1), edges)),
        circles=(1, 2),
        marginals=compare(z, drawn, pairs=False, bins=20),
        labels=("hours", "normal law"),
        title="A title",
    )
    said = texts(figure)
    for text in ["A title", "TEY (MWh)", "NOX (mg)", "z1", "z2", f"z{size}", "|z|", "hours", "normal law"]:
        assert text in said
    left, middle = figure.axes[:2]
    assert len(middle.patches) == 2
    # The outermost point is drawn last, at its own place, in both panels.
    outermost = z[radius.argmax(), :2]
    np.testing.assert_allclose(middle.collections[0].get_offsets()[-1], outermost)
    np.testing.assert_allclose(left.collections[0].get_offsets()[-1], outermost * 10)
    figure.draw_without_rendering()
