"""Conditioners: networks that turn the known part of an event, and the context, into parameters."""

from .masked import MADE
from .mlp import MLP, ResidualMLP

__all__ = ["MADE", "MLP", "ResidualMLP"]
