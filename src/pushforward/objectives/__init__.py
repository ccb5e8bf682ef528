"""Scalar losses of a batch, in nats unless they say otherwise."""

from .base import Objective, RowObjective
from .flow_matching import flow_matching
from .likelihood import negative_log_likelihood, negative_log_likelihoods
from .regularised import regularised_likelihood
from .reverse_kl import reverse_kl

__all__ = [
    "Objective",
    "RowObjective",
    "flow_matching",
    "negative_log_likelihood",
    "negative_log_likelihoods",
    "regularised_likelihood",
    "reverse_kl",
]
