"""Log-densities of tables in batches, and their ranks among those of a reference."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..data import scan_table
from ..diagnostics import ranks
from ..distributions.flow import Flow
from .terminal import Terminal

BLOCK = 65536
"""Rows read, scored and written at a time."""


class Batch(NamedTuple):
    """Some rows of a table.

    Attributes:
        rows: shape (n, features).
        finite: which rows have no missing value, NaN or infinity, shape (n,).
        log_prob: in nats; NaN for the others, shape (n,).
    """

    rows: np.ndarray
    finite: np.ndarray
    log_prob: np.ndarray


def batches(
    flow: Flow, table: Sequence[Path], names: list[str], terminal: Terminal, *, keep: bool
) -> Iterator[Batch]:
    """Score a table in the order of its rows, in memory that does not grow with it.

    Args:
        flow: what gives the densities.
        table: files and folders.
        names: the columns that the flow expects, in its order.
        terminal: hears the notes about the files.
        keep: whether rows that are not finite are allowed.

    Raises:
        BadTable: as `scan_table` and `TableFiles.batches` do.
    """
    files = scan_table(table, names)
    terminal.notes(files.notes)
    for rows in files.batches(BLOCK, nonfinite="keep" if keep else "refuse"):
        finite = np.all(np.isfinite(rows), axis=1)
        log_prob = np.full(len(rows), np.nan)
        log_prob[finite] = flow.log_prob(rows[finite])
        yield Batch(rows, finite, log_prob)


def ranking(
    flow: Flow, reference: Sequence[Path], names: list[str], terminal: Terminal
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that gives log-densities, shape (n,), their ranks among those of reference rows."""
    known = np.concatenate(
        [batch.log_prob for batch in batches(flow, reference, names, terminal, keep=False)]
    )
    return lambda log_prob: np.where(np.isnan(log_prob), np.nan, ranks(log_prob, known))
