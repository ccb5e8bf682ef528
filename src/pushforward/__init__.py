"""Pushforward: normalizing flows in JAX, from a table on disk to an exact density and samples.

The public names are imported when they are first used, so that the command line starts at once.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import bijectors, data, diagnostics, distributions, flows, nets, objectives, testing
    from .bijectors import Bijector, Frozen
    from .distributions import Distribution, Flow, initialize, settle
    from .io import load, load_model, save
    from .tables import FrameFit, FrameModel, TableFit, fit_frame, fit_mixed, fit_table, load_frame
    from .training import Check, FitResult, History, Optimizer, fit, fit_to_density

__version__ = "0.1.0"

__all__ = [
    "Bijector",
    "Check",
    "Distribution",
    "FitResult",
    "Flow",
    "FrameFit",
    "FrameModel",
    "Frozen",
    "History",
    "Optimizer",
    "TableFit",
    "bijectors",
    "data",
    "diagnostics",
    "distributions",
    "fit",
    "fit_frame",
    "fit_mixed",
    "fit_table",
    "fit_to_density",
    "flows",
    "initialize",
    "load",
    "load_frame",
    "load_model",
    "nets",
    "objectives",
    "save",
    "settle",
    "testing",
]

_ROOMS = (
    "bijectors",
    "data",
    "diagnostics",
    "distributions",
    "flows",
    "nets",
    "objectives",
    "plots",
    "testing",
)
_HOMES = {
    "Bijector": "bijectors",
    "Check": "training",
    "Distribution": "distributions",
    "FitResult": "training",
    "Flow": "distributions",
    "FrameFit": "tables",
    "FrameModel": "tables",
    "Frozen": "bijectors",
    "History": "training",
    "Optimizer": "training",
    "TableFit": "tables",
    "fit": "training",
    "fit_frame": "tables",
    "fit_mixed": "tables",
    "fit_table": "tables",
    "fit_to_density": "training",
    "initialize": "distributions",
    "load": "io",
    "load_frame": "tables",
    "load_model": "io",
    "save": "io",
    "settle": "distributions",
}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f".{name}", __name__)
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
