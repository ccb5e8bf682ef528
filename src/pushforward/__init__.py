"""Pushforward: normalizing flows in JAX, from a table on disk to an exact density and samples."""

import importlib
from typing import TYPE_CHECKING, Any

from . import bijectors, distributions, flows, nets, objectives
from .bijectors import Bijector
from .bijectors.frozen import Frozen
from .distributions import Distribution, Flow
from .io import load, load_model, save
from .tables import TableFit, fit_table
from .training import Check, FitResult, History, Optimizer, fit

if TYPE_CHECKING:
    from . import data, diagnostics, plots, testing

__version__ = "0.1.0"

__all__ = [
    "Bijector",
    "Check",
    "Distribution",
    "FitResult",
    "Flow",
    "Frozen",
    "History",
    "Optimizer",
    "TableFit",
    "bijectors",
    "data",
    "diagnostics",
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


def __getattr__(name: str) -> Any:
    """Import the test kit, the diagnostics and the toy data only when they are asked for."""
    if name in ("testing", "diagnostics", "data", "plots"):
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
