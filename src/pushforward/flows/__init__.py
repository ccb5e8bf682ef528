"""Recipes: one file per paper, each a plain function of sizes that returns a Flow."""

from .iaf import iaf
from .made import made
from .made_mog import made_mog
from .maf import maf
from .maf_mog import maf_mog
from .mlp_flow import mlp_flow
from .nice import nice
from .nsf import nsf
from .planar import planar, radial
from .realnvp import realnvp
from .registry import build, get, names, register
from .sylvester import sylvester
from .table import table

__all__ = [
    "build",
    "get",
    "iaf",
    "made",
    "made_mog",
    "maf",
    "maf_mog",
    "mlp_flow",
    "names",
    "nice",
    "nsf",
    "planar",
    "radial",
    "realnvp",
    "register",
    "sylvester",
    "table",
]
