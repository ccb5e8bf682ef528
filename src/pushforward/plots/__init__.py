"""Pictures, as matplotlib figures of numbers that others computed."""

from .base import base_space
from .pairs import pair_plot
from .training import training_curves

__all__ = ["base_space", "pair_plot", "training_curves"]
