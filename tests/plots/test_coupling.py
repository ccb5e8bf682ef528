import numpy as np

from pushforward.plots import CouplingPicture, coupling_panels


def test_coupling_panels(texts):
    known = np.linspace(-1, 1, 21)
    before = np.random.default_rng(0).normal(size=(50, 2))
    picture = CouplingPicture(
        known=known,
        passed=known,
        scale=np.exp(known),
        shift=known**2,
        chosen=np.array([-1.0, 1.0]),
        inputs=np.array([0.0, 2.0]),
        outputs=np.array([[1.0, 1.5], [2.0, 7.0]]),
        before=before,
        after=before * [1, 3],
        point=np.array([0.5, -1.0]),
        jacobian=np.array([[1.0, 0.0], [-0.75, 1.65]]),
    )
    figure = coupling_panels(picture)
    one, two, three, four, five, six = figure.axes[:6]
    said = texts(figure)
    for text in [
        "s(x1)",
        "t(x1)",
        "x1, the known half",
        "at x = (0.5, -1);  det = 1 * 1.65",
        "0",
        "1.65",
        "-0.75",
    ]:
        assert text in said
    assert (
        sum(text[:1].isdigit() and "  " in text for text in said) == 6
    )  # every panel has a number and a title
    for axes, values in ((one, known), (two, np.exp(known)), (three, known**2)):
        pieces = np.asarray(axes.collections[0].get_segments())
        np.testing.assert_allclose(pieces[:, 0], np.stack([known, values], axis=1)[:-1])
        np.testing.assert_allclose(pieces[-1, 1], [1, values[-1]])
    np.testing.assert_array_equal(four.lines[1].get_xydata(), [[0, 1], [2, 1.5]])
    np.testing.assert_array_equal(four.lines[2].get_xydata(), [[0, 2], [2, 7]])
    grey, coloured = five.collections
    np.testing.assert_array_equal(grey.get_offsets(), before)
    np.testing.assert_array_equal(coloured.get_offsets(), before * [1, 3])
    # One colour stands for one x1, in the curves and in the cloud.
    first = one.collections[0].get_colors()[0]
    np.testing.assert_allclose(four.lines[1].get_color(), first)
    np.testing.assert_array_equal(np.ma.filled(six.images[0].get_array(), 0), picture.jacobian)
    figure.draw_without_rendering()
