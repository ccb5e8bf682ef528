"""Pictures, as matplotlib figures of numbers that others computed."""

from .animation import flow_animation
from .base import base_space
from .change import change_of_variables, log_terms
from .columns import Axis, Shares, column_legend, column_picture, pair_picture, stage_picture
from .cost import cost_curves
from .coupling import CouplingPicture, coupling_panels
from .embedding import Image, embed, plain_text
from .matrices import Matrix, matrices
from .pairs import pair_plot
from .planes import Plane, planes
from .surfaces import density_surfaces
from .training import training_curves

__all__ = [
    "Axis",
    "CouplingPicture",
    "Image",
    "Matrix",
    "Plane",
    "Shares",
    "base_space",
    "change_of_variables",
    "column_legend",
    "column_picture",
    "cost_curves",
    "coupling_panels",
    "density_surfaces",
    "embed",
    "flow_animation",
    "log_terms",
    "matrices",
    "pair_picture",
    "pair_plot",
    "plain_text",
    "planes",
    "stage_picture",
    "training_curves",
]
