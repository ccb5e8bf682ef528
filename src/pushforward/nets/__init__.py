"""Conditioners: networks that turn the known part of an event, and the context, into parameters."""

from .lipschitz import LipschitzMLP
from .masked import MADE
from .members import draw_masks, remasked
from .mlp import MLP, ResidualMLP

__all__ = ["MADE", "MLP", "LipschitzMLP", "ResidualMLP", "draw_masks", "remasked"]
