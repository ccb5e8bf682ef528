import pytest

from pushforward.plots import training_curves


def test_training_curves(texts):
    figure = training_curves(
        [1, 2, 3],
        [3.0, 2.0, 1.0],
        [3.1, 2.5, 2.75],
        learning_rate=[0.1, 0.05, 0.0],
        references={"Gaussian": 4.0},
        title="A title",
    )
    upper, lower = figure.axes
    said = texts(figure)
    for text in ["A title", "training rows", "validation rows", "best 2.500", "Gaussian 4.000", "epochs"]:
        assert text in said
    assert upper.get_ylabel() == "negative log-likelihood, nats per row"
    assert lower.get_ylabel() == "learning rate"
    assert upper.lines[0].get_ydata().tolist() == [3.0, 2.0, 1.0]
    assert upper.lines[1].get_ydata().tolist() == [3.1, 2.5, 2.75]
    assert [float(value) for value in upper.lines[2].get_xydata()[0]] == [2.0, 2.5]


def test_without_validation_rows(texts):
    figure = training_curves([1, 2], [3.0, 2.0], limits=(1.0, 4.0))
    (axes,) = figure.axes
    assert axes.get_ylim() == (1.0, 4.0)
    assert "validation rows" not in texts(figure)
    assert axes.get_xlabel() == "epochs"
    figure.draw_without_rendering()


@pytest.mark.parametrize("count", [0, 1])
def test_short_runs(count):
    training_curves([1.0] * count, [2.0] * count, [2.0] * count).draw_without_rendering()


def test_names_stay_within_the_axes():
    figure = training_curves(
        [1, 2, 3], [3.0, 2.0, 1.5], [3.1, 2.5, 1.75], references={"entropy": 1.0}, reference_side="left"
    )
    axes = figure.axes[0]
    best, entropy = axes.texts
    assert (best.get_text(), best.get_ha()) == ("best 1.750", "right")
    assert (entropy.get_text(), entropy.get_ha(), entropy.xy) == ("entropy 1.000", "left", (0.0, 1.0))
    early = training_curves([1, 2, 3], [3.0, 2.0, 1.5], [1.1, 2.5, 1.75]).axes[0].texts[0]
    assert (early.get_text(), early.get_ha()) == ("best 1.100", "left")
