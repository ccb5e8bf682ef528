import numpy as np

from pushforward.plots import change_of_variables, log_terms


def test_change_of_variables(texts):
    z = np.linspace(-2, 2, 201)
    x, base = z**3 + z, np.exp(-(z**2))
    data = base / (3 * z**2 + 1)
    figure = change_of_variables(z, x, base, data, np.array([-1.0, 0.0, 1.0]), note="A note")
    left, middle, corner, below = figure.axes
    said = texts(figure)
    for text in ["A note", "the map x = f(z)", "density of the base", "density of the data", "p(z)", "p(x)"]:
        assert text in said
    assert not corner.axison
    np.testing.assert_array_equal(middle.lines[-1].get_xydata(), np.stack([z, x], axis=1))
    np.testing.assert_array_equal(below.lines[0].get_xydata(), np.stack([z, base], axis=1))
    np.testing.assert_array_equal(left.lines[0].get_xydata(), np.stack([data, x], axis=1))
    assert left.get_xlim()[0] > left.get_xlim()[1] == 0  # the density's zero is next to the graph
    # The first strip lies over [-1, 0] in the base and over [f(-1), f(0)] in the data, in one colour.
    strip, image = below.collections[0], left.collections[0]
    places, images = strip.get_paths()[0].vertices[:, 0], image.get_paths()[0].vertices[:, 1]
    np.testing.assert_allclose([places.min(), places.max()], [-1, 0], atol=0.02)
    np.testing.assert_allclose([images.min(), images.max()], [-2, 0], atol=0.05)
    np.testing.assert_array_equal(strip.get_facecolor(), image.get_facecolor())
    assert len(below.collections) == len(left.collections) == 2
    figure.draw_without_rendering()


def test_log_terms(texts):
    z = np.linspace(-1, 1, 5)
    figure = log_terms(z, np.full(5, -1.0), z)
    (axes,) = figure.axes
    by_label = {line.get_label(): line.get_ydata() for line in axes.lines}
    np.testing.assert_array_equal(by_label["log p(z)"], np.full(5, -1.0))
    np.testing.assert_array_equal(by_label["-log f'(z)"], -z)
    np.testing.assert_array_equal(by_label["their sum, log p(x) at x = f(z)"], -1 - z)
    assert "nats" in texts(figure)
    figure.draw_without_rendering()
