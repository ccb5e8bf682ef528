"""Pictures, as matplotlib figures of numbers that others computed."""

from .base import base_space
from .change import change_of_variables, log_terms
from .pairs import pair_plot
from .planes import Plane, planes
from .surfaces import density_surfaces
from .training import training_curves

__all__ = [
    "Plane",
    "base_space",
    "change_of_variables",
    "density_surfaces",
    "log_terms",
    "pair_plot",
    "planes",
    "training_curves",
]
