"""The training picture: losses over the time of a run."""

from collections.abc import Mapping, Sequence
from typing import Literal

from matplotlib.figure import Figure

from .style import ACCENT, DATA, FAINT, INK, SAMPLES, look, open_sides


def training_curves(
    epoch: Sequence[float],
    train_loss: Sequence[float],
    validation_loss: Sequence[float] = (),
    *,
    learning_rate: Sequence[float] = (),
    references: Mapping[str, float] | None = None,
    reference_side: Literal["left", "right"] = "right",
    limits: tuple[float, float] | None = None,
    title: str = "",
) -> Figure:
    """Draw training and validation losses, the best validation loss, and the learning rate below.

    Args:
        epoch: epochs done at each check.
        train_loss: in nats per row.
        validation_loss: in nats per row; empty without validation rows.
        learning_rate: at each check; empty for no such panel.
        references: losses of other laws on the validation rows, by name, in nats per row.
        reference_side: where the names of these stand.
        limits: lowest and highest loss to show; by default all of them.
        title: a headline.
    """
    with look():
        figure = Figure(figsize=(8.0, 5.0), layout="constrained")
        heights = [4.0, 1.0] if len(learning_rate) else [1.0]
        panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        axes = panels[0]
        axes.plot(epoch, train_loss, color=DATA, linewidth=1.3, label="training rows")
        if len(validation_loss):
            axes.plot(epoch, validation_loss, color=SAMPLES, linewidth=1.6, label="validation rows")
            best = min(range(len(validation_loss)), key=lambda place: validation_loss[place])
            axes.plot(epoch[best], validation_loss[best], "o", color=SAMPLES, markersize=5)
            late = epoch[best] > 0.8 * epoch[-1]  # then the label stays within the axes on the left
            axes.annotate(
                f"best {validation_loss[best]:.3f}",
                (epoch[best], validation_loss[best]),
                xytext=(0, 9 if late else -16),
                textcoords="offset points",
                ha="right" if late else "left",
                color=SAMPLES,
            )
        for name, loss in (references or {}).items():
            axes.axhline(loss, color=ACCENT, linewidth=1.0, linestyle=(0, (5, 3)))
            axes.annotate(
                f"{name} {loss:.3f}",
                (float(reference_side == "right"), loss),
                xycoords=("axes fraction", "data"),
                xytext=(-2 if reference_side == "right" else 4, 3),
                textcoords="offset points",
                ha=reference_side,
                color=ACCENT,
                annotation_clip=True,
            )
        axes.set_ylabel("negative log-likelihood, nats per row")
        axes.set_title(title)
        axes.grid(axis="y", color=FAINT, linewidth=0.5)
        axes.set_axisbelow(True)
        axes.margins(x=0.01)
        if limits is not None:
            axes.set_ylim(*limits)
        axes.legend(loc="best")
        if len(learning_rate):
            panels[1].plot(epoch, learning_rate, color=INK, linewidth=1.1)
            panels[1].set_ylabel("learning rate")
            panels[1].set_ylim(bottom=0)
        panels[-1].set_xlabel("epochs")
        for panel in panels:
            open_sides(panel)
    return figure
