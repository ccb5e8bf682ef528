"""Pushforward: normalizing flows in JAX, from a table on disk to an exact density and samples."""

from . import bijectors, distributions, flows, nets, objectives, testing
from .bijectors import Bijector
from .distributions import Distribution, Flow
from .io import load, load_model, save
from .tables import TableFit, fit_table
from .training import FitResult, Optimizer, fit

__version__ = "0.1.0"

__all__ = [
    "Bijector",
    "Distribution",
    "FitResult",
    "Flow",
    "Optimizer",
    "TableFit",
    "bijectors",
    "distributions",
    "fit",
    "fit_table",
    "flows",
    "load",
    "load_model",
    "nets",
    "objectives",
    "save",
    "testing",
]
