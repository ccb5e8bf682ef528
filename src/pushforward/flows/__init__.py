"""Recipes: one file per paper, each a plain function of sizes that returns a Flow."""

from .nice import nice
from .nsf import nsf
from .realnvp import realnvp
from .registry import build, get, names, register
from .table import table

__all__ = ["build", "get", "names", "nice", "nsf", "realnvp", "register", "table"]
