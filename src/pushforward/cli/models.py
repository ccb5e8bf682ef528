"""What model files say about their tables; a file may be a stranger's, so nothing in it is trusted."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..data.table import Table
    from ..tables import TableFit
    from .streaming import Streamed


@dataclass(frozen=True)
class Column:
    """A column of the table that a model was fitted to: its name, and the range of its values if known."""

    name: str
    low: float = math.nan
    high: float = math.nan


def columns_of(about: Mapping[str, Any] | None) -> list[Column]:
    """Return the columns that a model file describes; none if it does not."""
    named = (about or {}).get("columns")
    found = []
    for item in named if isinstance(named, list) else []:
        entry = item if isinstance(item, dict) else {"name": item}
        if not isinstance(entry.get("name"), str):
            return []
        found.append(Column(entry["name"], _number(entry.get("low")), _number(entry.get("high"))))
    return found


def names_for(about: Mapping[str, Any] | None, features: int) -> list[str]:
    """Return a name for each feature of a model; c1, c2, ... if its file does not name that many."""
    names = [column.name for column in columns_of(about)]
    return names if len(set(names)) == features else [f"c{place + 1}" for place in range(features)]


def description(
    table: "Table | Streamed", fit: "TableFit", *, seed: int, validation: float
) -> dict[str, Any]:
    """Return what a model file is to say about the table and the fit, as plain data.

    Args:
        table: what was fitted.
        fit: what came out.
        seed: where the random numbers started.
        validation: the share of the rows that was held out.
    """
    lows, highs = table.values.min(axis=0), table.values.max(axis=0)
    return {
        "columns": [
            {"name": name, "low": float(low), "high": float(high)}
            for name, low, high in zip(table.columns, lows, highs, strict=True)
        ],
        "rows": len(table),
        "notes": [*table.notes, *fit.notes],
        "fit": {
            "flow": fit.settings.flow,
            "seed": seed,
            "steps": fit.steps,
            "epochs": fit.history.epoch[-1] if fit.history.epoch else 0.0,
            "seconds": round(fit.seconds, 3),
            "stopped": fit.stopped,
            "validation_rows": round(validation * len(table)),
            "train_log_prob": fit.train_log_prob,
            "validation_log_prob": fit.validation_log_prob,
        },
    }


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
