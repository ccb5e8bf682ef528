"""Scalar losses of a batch, in nats."""

from .base import Objective
from .likelihood import negative_log_likelihood

__all__ = ["Objective", "negative_log_likelihood"]
