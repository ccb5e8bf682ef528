"""Fitting a table that is larger than a share of the memory: when, and how."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..tables import FrameFit

MEMORY_SHARE = 1 / 8
"""A table whose numbers, 8 bytes each, take more than this share of the memory is streamed.

In memory, fitting holds up to six copies of it at a time: as read, split, and as scores in both precisions."""


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
    missing: str,
    holdout: str,
    validation: float,
    max_seconds: float | None,
    **options: Any,
) -> "tuple[FrameFit, list[str]]":
    """Fit a flow to a table that is read from the disk again and again; all its columns are taken for real numbers.

    Returns:
        The fit, and notes about the table.

    Raises:
        ConfigError: if an option needs the whole table: --holdout last, --missing model.
        BadTable: if a column holds no numbers.
    """
    import time

    import jax

    from ..data import TableSource
    from ..tables import FrameFit, FrameModel
    from ..tables.streaming import fit_survey, survey

    if missing == "model":
        raise ConfigError("--missing model needs the whole table in memory: use --no-stream.")
    if holdout != "random":
        raise ConfigError("--holdout last needs the whole table in memory: use --no-stream.")
    start, key = time.monotonic(), jax.random.key(seed)
    source = TableSource(list(tables), columns)
    found = survey(source, key=key, validation=validation, drop_nonfinite=missing == "drop")
    left = None if max_seconds is None else max(max_seconds - (time.monotonic() - start), 1e-3)
    fit = fit_survey(found, key=key, max_seconds=left, **options)
    notes = [
        *source.notes,
        "All columns of a streamed table are taken for real numbers; --no-stream looks at them.",
    ]
    return FrameFit(FrameModel(fit.flow, source.schema()), fit, found.rows), notes


def refuse_schema_options(options: Mapping[str, Any]) -> None:
    """Raise a ConfigError if an option is given that says what columns are, which a streamed fit does not heed."""
    for name, value in options.items():
        if value:
            raise ConfigError(f"{name} needs the whole table in memory: use --no-stream.")
