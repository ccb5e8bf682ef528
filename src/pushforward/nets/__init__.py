"""Conditioners: networks that turn the known part of an event, and the context, into parameters."""

from .mlp import MLP, ResidualMLP

__all__ = ["MLP", "ResidualMLP"]
