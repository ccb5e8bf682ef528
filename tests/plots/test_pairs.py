import io

import numpy as np
import pytest

from pushforward.diagnostics import compare
from pushforward.plots import pair_plot


@pytest.mark.parametrize("size", [1, 2, 4])
def test_pair_plot_names_and_draws_everything(size, texts):
    rng = np.random.default_rng(0)
    clouds = compare(rng.normal(size=(500, size)), rng.normal(size=(400, size)), bins=20)
    names = [f"column {place} (unit)" for place in range(size)]
    figure = pair_plot(clouds, names, labels=("hours", "draws"), title="A title")
    said = texts(figure)
    for text in ["A title", "hours", "draws", *names]:
        assert text in said
    visible = [axes for axes in figure.axes if axes.get_visible()]
    assert len(visible) == size * (size + 1) // 2
    assert all(axes.has_data() for axes in visible)
    for axes, limits in zip(visible[-size:], clouds.limits, strict=True):
        assert axes.get_xlim() == tuple(limits)
    target = io.BytesIO()
    figure.savefig(target, dpi=30)
    assert target.getvalue().startswith(b"\x89PNG")


def test_pair_plot_puts_columns_where_their_names_are():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(500, 2)) + np.array([0.0, 100.0])
    figure = pair_plot(compare(data, data, bins=20), ["first", "second"])
    (panel,) = [axes for axes in figure.axes if axes.get_visible() and axes.get_ylabel()]
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("first", "second")
    assert abs(np.mean(panel.get_xlim())) < 5
    assert abs(np.mean(panel.get_ylim()) - 100) < 5
