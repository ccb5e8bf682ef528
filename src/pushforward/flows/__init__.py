"""Recipes: one file per paper, each a plain function of sizes that returns a Flow."""

from .ffjord import ffjord
from .iaf import iaf
from .made import made
from .made_mog import made_mog
from .maf import maf
from .maf_mog import maf_mog
from .nice import nice
from .nsf import nsf
from .realnvp import realnvp
from .registry import build, get, names, register
from .table import table

__all__ = [
    "build",
    "ffjord",
    "get",
    "iaf",
    "made",
    "made_mog",
    "maf",
    "maf_mog",
    "names",
    "nice",
    "nsf",
    "realnvp",
    "register",
    "table",
]
