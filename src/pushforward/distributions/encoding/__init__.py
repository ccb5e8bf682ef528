"""What the columns of a table hold, and how it becomes coordinates of a flow."""

from .angles import AngleCells
from .box import Box, fill_edges
from .cells import KINDS, Cells, read_cells
from .encoder import Encoder
from .features import CodeFeatures
from .levels import LevelCells
from .values import ValueCells

__all__ = [
    "KINDS",
    "AngleCells",
    "Box",
    "Cells",
    "CodeFeatures",
    "Encoder",
    "LevelCells",
    "ValueCells",
    "fill_edges",
    "read_cells",
]
