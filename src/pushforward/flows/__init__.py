"""Recipes: one file per paper, each a plain function of sizes that returns a Flow."""

from .bernstein import bernstein
from .ffjord import ffjord
from .flowpp import flowpp
from .gaussianization import gaussianization
from .iaf import iaf
from .iresnet import iresnet
from .made import made
from .made_mog import made_mog
from .maf import maf
from .maf_mog import maf_mog
from .mixed import mixed
from .mlp_flow import mlp_flow
from .naf import naf
from .nice import nice
from .nsf import nsf
from .planar import planar, radial
from .realnvp import realnvp
from .registry import build, get, names, register
from .residual_flow import residual_flow
from .sos import sos
from .sylvester import sylvester
from .table import table
from .umnn import umnn

__all__ = [
    "bernstein",
    "build",
    "ffjord",
    "flowpp",
    "gaussianization",
    "get",
    "iaf",
    "iresnet",
    "made",
    "made_mog",
    "maf",
    "maf_mog",
    "mixed",
    "mlp_flow",
    "naf",
    "names",
    "nice",
    "nsf",
    "planar",
    "radial",
    "realnvp",
    "register",
    "residual_flow",
    "sos",
    "sylvester",
    "table",
    "umnn",
]
