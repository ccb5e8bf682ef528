import base64
import re
import warnings

from matplotlib.figure import Figure

from pushforward.plots import embed, plain_text


def svg(image):
    kind, _, data = image.uri.partition(",")
    assert kind == "data:image/svg+xml;base64"
    return base64.b64decode(data).decode()


def drawn(title):
    with plain_text():
        figure = Figure(figsize=(2, 1))
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], label="x")
        axes.set_title(title)
        return embed(figure)


def test_the_same_figure_gives_the_same_bytes():
    assert drawn("a title") == drawn("a title")
    assert drawn("a title").width == 192
    text = svg(drawn("a title"))
    assert ">a title<" in text  # text, not outlines
    assert "Noto Sans" in text
    assert "<dc:date>" not in text
    assert not re.search(r"(href|src)=\"http", text)


def test_strangers_text_is_shown_as_it_is():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ">$\\alpha$ 温度<" in svg(drawn("$\\alpha$ 温度"))
        assert "&lt;script&gt;" in svg(drawn("<script>"))
