"""What is true of a fitted flow, in numbers; nothing is drawn here."""

from .baselines import MixtureChoice, fit_mixture, fit_normal
from .scores import Score, ranks, score
from .shapes import Comparison, Histogram, Region, compare, histogram, region

__all__ = [
    "Comparison",
    "Histogram",
    "MixtureChoice",
    "Region",
    "Score",
    "compare",
    "fit_mixture",
    "fit_normal",
    "histogram",
    "ranks",
    "region",
    "score",
]
