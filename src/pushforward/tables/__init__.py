"""From a table to a fitted flow, without tuning."""

from .default import Settings, settings_for
from .fitting import TableFit, fit_table
from .frames import FrameFit, FrameModel, Reference, fit_frame, frame_model, load_frame
from .mixed import fit_mixed
from .points import Points, points_of

__all__ = [
    "FrameFit",
    "FrameModel",
    "Points",
    "Reference",
    "Settings",
    "TableFit",
    "fit_frame",
    "fit_mixed",
    "fit_table",
    "frame_model",
    "load_frame",
    "points_of",
    "settings_for",
]
