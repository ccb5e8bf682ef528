"""What the columns of a table are, inferred or stated, and its rows as numbers that a flow can be fitted to."""

from .column import KINDS, Column, Kind, Measure
from .infer import Missing, infer_schema
from .schema import Misfit, Schema, read_schema
from .types import arrow_type

__all__ = [
    "KINDS",
    "Column",
    "Kind",
    "Measure",
    "Misfit",
    "Missing",
    "Schema",
    "arrow_type",
    "infer_schema",
    "read_schema",
]
