"""From a table to a fitted flow, without tuning."""

from .default import Settings, settings_for
from .fitting import TableFit, fit_table
from .frames import FrameFit, FrameModel, base_points, fit_frame, frame_model, load_frame
from .mixed import fit_mixed

__all__ = [
    "FrameFit",
    "FrameModel",
    "Settings",
    "TableFit",
    "base_points",
    "fit_frame",
    "fit_mixed",
    "fit_table",
    "frame_model",
    "load_frame",
    "settings_for",
]
