"""Training: `fit`, `fit_to_density`, and what they take and return."""

from .density import fit_to_density
from .fit import fit, mean_loss
from .history import Check, FitResult, History
from .optimizer import Optimizer
from .stream_source import RowSource
from .streams import stream

__all__ = [
    "Check",
    "FitResult",
    "History",
    "Optimizer",
    "RowSource",
    "fit",
    "fit_to_density",
    "mean_loss",
    "stream",
]
