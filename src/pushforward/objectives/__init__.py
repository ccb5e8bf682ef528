"""Scalar losses of a batch, in nats unless they say otherwise."""

from .base import Objective
from .flow_matching import flow_matching
from .likelihood import negative_log_likelihood
from .regularised import regularised_likelihood
from .reverse_kl import reverse_kl

__all__ = ["Objective", "flow_matching", "negative_log_likelihood", "regularised_likelihood", "reverse_kl"]
