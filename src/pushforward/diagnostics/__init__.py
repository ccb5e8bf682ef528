"""What is true of a fitted flow, in numbers; nothing is drawn here."""

from .baselines import MixtureChoice, fit_mixture, fit_normal
from .importance import LogNormalizer, log_normalizer
from .scores import Score, ranks, score
from .shapes import Comparison, Histogram, Region, compare, histogram, region

__all__ = [
    "Comparison",
    "Histogram",
    "LogNormalizer",
    "MixtureChoice",
    "Region",
    "Score",
    "compare",
    "fit_mixture",
    "fit_normal",
    "histogram",
    "log_normalizer",
    "ranks",
    "region",
    "score",
]
