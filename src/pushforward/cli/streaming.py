"""Fitting a table that is larger than a share of the memory: when, and how."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

    from ..tables import TableFit

MEMORY_SHARE = 1 / 8
"""A table whose numbers, 8 bytes each, take more than this share of the memory is streamed.

In memory, fitting holds up to six copies of it at a time: as read, split, and as scores in both precisions."""


@dataclasses.dataclass(frozen=True)
class Streamed:
    """What is known of a table that was streamed, in the places where a `Table` has it.

    Attributes:
        columns: names.
        values: the least and the greatest value of each column, shape (2, columns).
        rows: how many rows there are.
        validation: the share of them that was held out.
        notes: what was decided and done, one sentence each.
    """

    columns: tuple[str, ...]
    values: "np.ndarray"
    rows: int
    validation: float
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return self.rows


def is_streamed(tables: Sequence[Path], columns: Sequence[str] | None, stream: bool | None) -> bool:
    """Tell whether a table is to be streamed: if it is told, or else if it is too large.

    Args:
        tables: files and folders.
        columns: names of the wanted columns, or None for all.
        stream: what the user said, or None.
    """
    if stream is not None:
        return stream
    from ..data.table_source import table_bytes

    return table_bytes(list(tables), columns) > MEMORY_SHARE * memory()


def device_count(text: str) -> int | str:
    """Return what `fit` takes as devices for what the user wrote.

    Raises:
        ConfigError: if it is neither a whole number nor all.
    """
    if text == "all":
        return text
    if not text.isdecimal():
        raise ConfigError(f"--devices: expected a whole number or all, got {text!r}.")
    return int(text)


def memory() -> int:
    """Return the bytes of memory that this process may use: those of the machine, or of its control group."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdecimal() else total


def fit_streamed(
    tables: Sequence[Path],
    columns: Sequence[str] | None,
    *,
    seed: int,
    jitter: Any,
    holdout: str,
    drop_nonfinite: bool,
    validation: float,
    max_seconds: float | None,
    **options: Any,
) -> "tuple[Streamed, TableFit]":
    """Fit a flow to a table that is read from the disk again and again; return what is known of the table, and the fit.

    Raises:
        ConfigError: if an option needs the whole table: --jitter, --holdout last.
    """
    import time

    import jax
    import numpy as np

    from ..data import TableSource
    from ..tables.streaming import fit_survey, survey

    if jitter is not None:
        raise ConfigError(
            "--jitter needs the whole table in memory: use --no-stream, or spread the values before."
        )
    if holdout != "random":
        raise ConfigError("--holdout last needs the whole table in memory: use --no-stream.")
    start, key = time.monotonic(), jax.random.key(seed)
    source = TableSource(list(tables), columns)
    found = survey(source, key=key, validation=validation, drop_nonfinite=drop_nonfinite)
    left = None if max_seconds is None else max(max_seconds - (time.monotonic() - start), 1e-3)
    result = fit_survey(found, key=key, max_seconds=left, **options)
    bounds = np.stack([found.lows, found.highs])
    return Streamed(found.columns, bounds, found.rows, len(found.held_out) / found.rows, source.notes), result
