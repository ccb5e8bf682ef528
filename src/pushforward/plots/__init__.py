"""Pictures, as matplotlib figures of numbers that others computed."""

from .animation import flow_animation
from .base import base_space
from .change import change_of_variables, log_terms
from .cost import cost_curves
from .coupling import CouplingPicture, coupling_panels
from .matrices import Matrix, matrices
from .pairs import pair_plot
from .planes import Plane, planes
from .surfaces import density_surfaces
from .training import training_curves

__all__ = [
    "CouplingPicture",
    "Matrix",
    "Plane",
    "base_space",
    "change_of_variables",
    "cost_curves",
    "coupling_panels",
    "density_surfaces",
    "flow_animation",
    "log_terms",
    "matrices",
    "pair_plot",
    "planes",
    "training_curves",
]
