"""Log-probabilities of tables in batches, and their ranks among those of a reference."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..data import scan_table
from ..data.arrow import as_arrow
from ..diagnostics import p_values, ranks
from ..errors import BadTable, ConfigError
from ..tables import FrameModel
from .terminal import Terminal

if TYPE_CHECKING:
    from ..data.arrow import ArrowTable

BLOCK = 65536
"""Rows read, scored and written at a time."""


class Batch(NamedTuple):
    """Some rows of a table.

    Attributes:
        rows: the columns that the model knows.
        whole: which rows have all the values that they must have, shape (n,).
        log_prob: in nats; NaN for the others, shape (n,).
    """

    rows: "ArrowTable"
    whole: np.ndarray
    log_prob: np.ndarray


def batches(
    model: FrameModel, table: Sequence[Path], terminal: Terminal, *, missing: str = "refuse"
) -> Iterator[Batch]:
    """Score a table in the order of its rows, in memory that does not grow with it.

    Args:
        model: what gives the log-probabilities.
        table: files and folders.
        terminal: hears the notes about the files, and at the end which values the model gives no probability.
        missing: what to do with rows where a value is missing that may not be: "refuse" the table, after its last row
            so that the message counts them all; or "drop", which gives such rows no log_prob.

    Raises:
        BadTable: as `scan_table` and `TableFiles.arrow_batches` do, or if missing values are refused.
        ConfigError: if `missing` is something else.
    """
    if missing not in ("refuse", "drop"):
        raise ConfigError(f"--missing: expected refuse or drop, got {missing!r}.")
    names = [column.name for column in model.schema.modelled]
    files = scan_table(table, names, typed=True)
    terminal.notes(files.notes)
    gaps, odd = np.zeros(len(names), dtype=int), np.zeros(len(names), dtype=int)
    count = bad = 0
    for piece in files.arrow_batches(BLOCK):
        rows = as_arrow(piece)
        codes = model.all_codes(rows)
        missed = np.isnan(codes) & ~np.array([column.missing for column in model.schema.modelled])
        whole = np.asarray(~missed.any(axis=1))
        gaps, bad, count = gaps + missed.sum(axis=0), bad + int((~whole).sum()), count + len(codes)
        odd += (~model.schema.inside(codes) & ~missed).sum(axis=0)
        log_prob = np.full(len(codes), np.nan)
        if whole.any() and not (bad and missing == "refuse"):
            log_prob[whole] = model.log_prob_of(*model.parted(codes[whole]))
        yield Batch(rows, whole, log_prob)
    if bad and missing == "refuse":
        shown = "; ".join(f"{name!r} {gap}" for name, gap in zip(names, gaps, strict=True) if gap)
        raise BadTable(
            f"{files.name}: {bad} of {count} rows with values that are missing or not finite ({shown}). "
            "Give such rows no log_prob with --missing drop."
        )
    terminal.notes(
        f"column {name!r}: {number:,} of {count:,} values are none that the model gives a probability."
        for name, number in zip(names, odd, strict=True)
        if number
    )


Standing = Callable[[np.ndarray], np.ndarray]
"""From log-probabilities, shape (n,), to numbers in [0, 1] that say where they stand among others."""


def standings(
    model: FrameModel, about: Mapping[str, Any] | None, reference: Sequence[Path] | None, terminal: Terminal
) -> dict[str, Standing]:
    """Return what can be said of log-probabilities besides themselves, by the names of the columns.

    rank: the share of reference rows that are less likely: rows of the table that is given, else the training rows that
        the model's file remembers.
    p_value: of the row against the held-out rows that the file remembers; see `diagnostics.p_values`.

    Args:
        model: what gives the log-probabilities.
        about: what its file says.
        reference: a table to rank among.
        terminal: hears the notes about that table.
    """
    stored = (about or {}).get("reference")
    training, held_out = (_numbers(stored, name) for name in ("training", "held_out"))
    found: dict[str, Standing] = {}
    if reference:
        training = np.concatenate([batch.log_prob for batch in batches(model, reference, terminal)])
    if len(training):
        found["rank"] = lambda log_prob: np.where(np.isnan(log_prob), np.nan, ranks(log_prob, training))
    if len(held_out):
        found["p_value"] = lambda log_prob: p_values(log_prob, held_out)
    return found


def _numbers(stored: Any, name: str) -> np.ndarray:
    values = stored.get(name) if isinstance(stored, dict) else None
    good = isinstance(values, list) and all(type(value) in (int, float) for value in values)
    return np.array(values if good else [], float)
