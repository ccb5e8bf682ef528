"""Some rows of a table of any size, evenly spaced."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import BadTable
from .read import TableFiles

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 65_536


class Evenly(NamedTuple):
    """Some rows of a table.

    Attributes:
        table: the rows, in the table's types.
        places: where each stands in the whole table, from 0.
        total: rows of the whole table.
    """

    table: "pa.Table"
    places: np.ndarray
    total: int


def read_evenly(files: TableFiles, most: int) -> Evenly:
    """Read a table once and keep at most so many rows of it, in memory that does not grow with the table.

    Raises:
        BadTable: as `TableFiles.arrow_batches`, or if there is no row.
    """
    import pyarrow as pa

    kept, places, step, seen = [], np.empty(0, int), 1, 0
    for batch in files.arrow_batches(_BLOCK):
        mine = np.arange(-seen % step, batch.num_rows, step)
        kept.append(pa.Table.from_batches([batch]).take(mine))
        places, seen = np.concatenate([places, seen + mine]), seen + batch.num_rows
        while len(places) > 2 * most:  # every step-th row of the whole so far is kept
            kept, places, step = (
                [pa.concat_tables(kept).take(np.arange(0, len(places), 2))],
                places[::2],
                2 * step,
            )
    if not len(places):
        raise BadTable(f"{files.name}: expected at least 1 row, got 0 rows.")
    chosen = np.arange(min(most, len(places))) * len(places) // min(most, len(places))
    return Evenly(pa.concat_tables(kept).take(chosen), places[chosen], seen)
