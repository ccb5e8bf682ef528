"""Tables from and to disk, what repeats in them, and toy densities."""

from .potentials import POTENTIALS, Potential
from .read import TableFiles, read_batches, read_table, scan_table
from .table import Table
from .table_source import TableSource
from .ties import ColumnTies, find_ties, jitter, jitter_widths
from .toy import ENTROPY, TOYS, Toy
from .write import TableWriter

__all__ = [
    "ENTROPY",
    "POTENTIALS",
    "TOYS",
    "ColumnTies",
    "Potential",
    "Table",
    "TableFiles",
    "TableSource",
    "TableWriter",
    "Toy",
    "find_ties",
    "jitter",
    "jitter_widths",
    "read_batches",
    "read_table",
    "scan_table",
]
