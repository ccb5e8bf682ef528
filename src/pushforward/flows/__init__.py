"""Recipes: one file per paper, each a plain function of sizes that returns a Flow."""

from .iaf import iaf
from .maf import maf
from .nice import nice
from .nsf import nsf
from .realnvp import realnvp
from .registry import build, get, names, register
from .table import table

__all__ = ["build", "get", "iaf", "maf", "names", "nice", "nsf", "realnvp", "register", "table"]
