"""Conditioners: networks that turn the known part of an event, and the context, into parameters."""

from .lipschitz import LipschitzMLP
from .masked import MADE
from .members import draw_masks, remasked
from .mlp import MLP, ResidualMLP
from .timed import TimeMLP

__all__ = ["MADE", "MLP", "LipschitzMLP", "ResidualMLP", "TimeMLP", "draw_masks", "remasked"]
