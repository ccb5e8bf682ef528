"""What happens to rows with values that are not numbers, block by block."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from ..errors import BadTable, ConfigError
from .blocks import Block

NonFinite = Literal["refuse", "drop", "keep"]


class Screen:
    """Lets the rows of a table pass block by block, and counts the values that are missing or not finite.

    Args:
        name: what messages call the table.
        columns: its columns.
        nonfinite: what to do with a row that holds such a value: refuse the table, drop the row, or keep it.
            A table is refused after its last row, so that the message counts them all.
        remedy: how the caller's user drops such rows, for the message.
    """

    def __init__(self, name: str, columns: Sequence[str], nonfinite: NonFinite, remedy: str) -> None:
        if nonfinite not in ("refuse", "drop", "keep"):
            raise ConfigError(f"{name}: expected nonfinite 'refuse', 'drop' or 'keep', got {nonfinite!r}.")
        self.name, self.columns, self.nonfinite, self.remedy = name, columns, nonfinite, remedy
        self.rows = self.bad_rows = 0
        self.missing, self.nan, self.infinite = np.zeros((3, len(columns)), dtype=np.int64)

    def __call__(self, block: Block) -> np.ndarray:
        """Return the rows of a block that may pass: none any more once the table is to be refused."""
        bad = ~np.isfinite(block.values).all(axis=-1)
        self.rows += bad.size
        if bad.any():
            self.bad_rows += int(bad.sum())
            self.missing += block.missing
            self.nan += np.isnan(block.values).sum(axis=0) - block.missing
            self.infinite += np.isinf(block.values).sum(axis=0)
        if self.nonfinite == "keep" or not self.bad_rows:
            return block.values
        return block.values[~bad] if self.nonfinite == "drop" else block.values[:0]

    def close(self, minimum_rows: int) -> None:
        """Raise what only the last row shows.

        Args:
            minimum_rows: how many rows must have passed.

        Raises:
            BadTable: if the table is to be refused, or fewer rows passed.
        """
        if self.bad_rows and self.nonfinite == "refuse":
            raise BadTable(f"{self.name}: {self._bad()}. Drop such rows with {self.remedy}.")
        dropped = self.bad_rows if self.nonfinite == "drop" else 0
        if self.rows - dropped < minimum_rows:
            need = f"at least {_rows(minimum_rows)}"
            if minimum_rows > 1:
                need += f" for {len(self.columns)} column{'s' if len(self.columns) > 1 else ''}"
            got = f"{self.rows - dropped} left after dropping {dropped}" if dropped else _rows(self.rows)
            raise BadTable(f"{self.name}: expected {need}, got {got}.")

    def notes(self) -> tuple[str, ...]:
        """Return a sentence about the rows that were dropped, if any were."""
        if self.nonfinite != "drop" or not self.bad_rows:
            return ()
        return (f"{self.name}: {self._bad()}; they were dropped.",)

    def _bad(self) -> str:
        columns = []
        for place, column in enumerate(self.columns):
            kinds = (("missing", self.missing), ("NaN", self.nan), ("infinite", self.infinite))
            counts = [f"{count[place]} {kind}" for kind, count in kinds if count[place]]
            if counts:
                columns.append(f"{column!r} {', '.join(counts)}")
        rows = f"{self.bad_rows} of {_rows(self.rows)}"
        return f"{rows} with values that are missing or not finite ({'; '.join(columns)})"


def rebatch(blocks: Iterator[np.ndarray], rows: int) -> Iterator[np.ndarray]:
    """Cut blocks of any size into batches of so many rows; the last batch may have fewer."""
    waiting: list[np.ndarray] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += len(block)
        if count >= rows:
            joined = np.concatenate(waiting)
            whole = count - count % rows
            for start in range(0, whole, rows):
                yield joined[start : start + rows]
            waiting, count = [joined[whole:]], count - whole
    if count:
        yield np.concatenate(waiting)


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"
