"""Tables from and to disk, what repeats in them, and toy densities."""

from .read import TableFiles, read_batches, read_table, scan_table
from .table import Table
from .ties import ColumnTies, find_ties, jitter, jitter_widths
from .toy import ENTROPY, TOYS, Toy
from .write import TableWriter

__all__ = [
    "ENTROPY",
    "TOYS",
    "ColumnTies",
    "Table",
    "TableFiles",
    "TableWriter",
    "Toy",
    "find_ties",
    "jitter",
    "jitter_widths",
    "read_batches",
    "read_table",
    "scan_table",
]
