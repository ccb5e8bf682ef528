"""Which columns make the least likely rows of a table unlikely."""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..diagnostics import frame_surprises
from ..tables import FrameModel

if TYPE_CHECKING:
    from ..data.arrow import ArrowTable
    from .scoring import Batch

_USUAL = 500
"""So many rows tell what is usual."""

_SHOWN = 3


class Unlikely(NamedTuple):
    """A row, and what makes it unlikely; `str` gives a line.

    Attributes:
        row: its number in the table, from 1.
        log_prob: in nats.
        because: columns, the most surprising first: the name, the value as text, and by how many nats its conditional
            probability, given the rest of the row, is below what is usual.
    """

    row: int
    log_prob: float
    because: list[tuple[str, str, float]]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        because = [{"column": name, "value": value, "excess": excess} for name, value, excess in self.because]
        return {"row": self.row, "log_prob": self.log_prob, "because": because}

    def __str__(self) -> str:
        parts = [f"{name} = {value} ({excess:+.1f})" for name, value, excess in self.because]
        text = (
            f"row {self.row:,}: log_prob {self.log_prob:.2f}, by {', '.join(parts) or 'an impossible value'}"
        )
        # Names and values in a stranger's file may hold the terminal's control characters.
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


class Worst:
    """The least likely rows of a table that passes by, and a sample of all.

    Args:
        model: what gives the log-probabilities.
        count: how many rows to keep.
    """

    def __init__(self, model: FrameModel, count: int) -> None:
        self._model, self._count = model, count
        self._kept: list[tuple[float, int, ArrowTable]] = []
        self._usual: list[np.ndarray] = []

    def see(self, batch: "Batch", before: int) -> None:
        """Look at some rows.

        Args:
            batch: the rows.
            before: how many rows came before them.
        """
        if not self._count:
            return
        places = np.flatnonzero(batch.whole)
        for place in places[np.argsort(batch.log_prob[places], kind="stable")[: self._count]]:
            self._kept.append((float(batch.log_prob[place]), before + int(place), batch.rows.slice(place, 1)))
        self._kept = sorted(self._kept, key=lambda kept: kept[:2])[: self._count]
        fine = places[np.isfinite(batch.log_prob[places])]
        if len(fine):
            some = fine[np.linspace(0, len(fine) - 1, min(len(fine), _USUAL)).astype(int)]
            self._usual.append(self._model.all_codes(batch.rows.take(some)))

    def explained(self) -> list[Unlikely]:
        """Return the least likely rows, the least likely first; impossible ones come before all others."""
        possible = [row for log_prob, _, row in self._kept if math.isfinite(log_prob)]
        excess = iter(self._excess(possible) if possible and self._usual else ())
        names = [column.name for column in self._model.columns]
        found = []
        for log_prob, number, row in self._kept:
            mine = next(excess, np.empty(0)) if math.isfinite(log_prob) else np.empty(0)
            order = [place for place in np.argsort(-mine) if mine[place] > 0][:_SHOWN]
            values = row.to_pylist()[0]
            because = [
                (names[place], str(values[names[place]]), round(float(mine[place]), 2)) for place in order
            ]
            found.append(Unlikely(number + 1, log_prob, because))
        return found

    def _excess(self, rows: "list[ArrowTable]") -> np.ndarray:
        """Return by how much more surprising than usual each column of some rows is, in nats."""
        model = self._model
        codes = np.concatenate([model.all_codes(row) for row in rows])
        usual = np.concatenate(self._usual)
        usual = usual[np.linspace(0, len(usual) - 1, min(len(usual), _USUAL)).astype(int)]
        (own, given), (known, _) = model.parted(codes), model.parted(usual)
        return np.nan_to_num(frame_surprises(model.flow, own, known, context=given))
