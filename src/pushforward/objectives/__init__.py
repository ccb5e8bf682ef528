"""Scalar losses of a batch, in nats."""

from .base import Objective
from .likelihood import negative_log_likelihood
from .reverse_kl import reverse_kl

__all__ = ["Objective", "negative_log_likelihood", "reverse_kl"]
