"""Training: `fit` and what it takes and returns."""

from .fit import fit, mean_loss
from .history import Check, FitResult, History
from .optimizer import Optimizer
from .streams import stream

__all__ = ["Check", "FitResult", "History", "Optimizer", "fit", "mean_loss", "stream"]
