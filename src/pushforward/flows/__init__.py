"""Recipes: one file per paper, each a plain function of sizes that returns a Flow."""

from .bernstein import bernstein
from .flowpp import flowpp
from .gaussianization import gaussianization
from .iaf import iaf
from .made import made
from .made_mog import made_mog
from .maf import maf
from .maf_mog import maf_mog
from .naf import naf
from .nice import nice
from .nsf import nsf
from .realnvp import realnvp
from .registry import build, get, names, register
from .sos import sos
from .table import table
from .umnn import umnn

__all__ = [
    "bernstein",
    "build",
    "flowpp",
    "gaussianization",
    "get",
    "iaf",
    "made",
    "made_mog",
    "maf",
    "maf_mog",
    "naf",
    "names",
    "nice",
    "nsf",
    "realnvp",
    "register",
    "sos",
    "table",
    "umnn",
]
