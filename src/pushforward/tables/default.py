"""The rule that chooses a flow and its training from the size of a table."""

from dataclasses import dataclass, field
from typing import Any

from ..training import Optimizer


@dataclass(frozen=True)
class Settings:
    """What `fit_table` chose for a table, or was told.

    Attributes:
        flow: name of the recipe.
        options: its keyword arguments, without sizes of events and contexts.
        batch_size: rows of a training step.
        steps: training steps of a run that nothing ends earlier.
        optimizer: the optimiser.
    """

    flow: str
    options: dict[str, Any]
    batch_size: int
    steps: int
    optimizer: Optimizer = field(default_factory=Optimizer)


def settings_for(
    flow: str, options: dict[str, Any] | None, batch_size: int | None, rows: int, features: int
) -> tuple[Settings, list[str]]:
    """Choose what is left open by the number of training rows and columns.

    The rule for "auto": an autoregressive neural spline flow on a normal base, the order of the columns reversed from
    layer to layer; heavy tails are the business of the preprocessing. Learned linear maps between the layers were
    worse on four of five tables and alike on the fifth (benchmarks/README.md). Fewer than 10,000 rows get 3 layers of
    2 x 64 units with dropout 0.2, batches of 256 and 6,000 steps; more rows 4 layers of 2 x 128 units, batches of 512
    and 10,000 steps. Early stopping does the rest.

    Args:
        flow: name of a recipe, or "auto".
        options: the recipe's keyword arguments, or None.
        batch_size: rows of a training step, or None.
        rows: number of training rows.
        features: number of columns.

    Returns:
        The settings, and what the user should know of the choice.
    """
    small = rows < 10_000
    chosen = {
        "autoregressive": features > 1,
        "mixing": "reverse",
        "layers": 3 if small else 4,
        "hidden": (64, 64) if small else (128, 128),
        "dropout": 0.2 if small else 0.0,
    }
    settings = Settings(
        flow="nsf" if flow == "auto" else flow,
        options={**(chosen if flow == "auto" else {}), **(options or {})},
        batch_size=batch_size or (256 if small else 512),
        steps=6_000 if small else 10_000,
        optimizer=Optimizer(learning_rate=1e-3 if small else 2e-3),
    )
    return settings, []
