"""Tables from and to disk, what repeats in them, and toy densities."""

from .arrow import as_arrow
from .potentials import POTENTIALS, Potential
from .read import TableFiles, read_arrow, read_batches, read_table, scan_table
from .schema import Column, Schema, infer_schema, read_schema
from .table import Table
from .table_source import TableSource
from .ties import ColumnTies, find_ties, jitter, jitter_widths
from .toy import ENTROPY, TOYS, Toy
from .write import TableWriter

__all__ = [
    "ENTROPY",
    "POTENTIALS",
    "TOYS",
    "Column",
    "ColumnTies",
    "Potential",
    "Schema",
    "Table",
    "TableFiles",
    "TableSource",
    "TableWriter",
    "Toy",
    "as_arrow",
    "find_ties",
    "infer_schema",
    "jitter",
    "jitter_widths",
    "read_arrow",
    "read_batches",
    "read_schema",
    "read_table",
    "scan_table",
]
