"""What is true of a fitted flow, in numbers; nothing is drawn here."""

from .baselines import MixtureChoice, fit_mixture, fit_normal
from .importance import LogNormalizer, log_normalizer
from .plane import Field, field, grid_lines, jacobian
from .scores import Score, ranks, score
from .shapes import Comparison, Histogram, Region, compare, histogram, region

__all__ = [
    "Comparison",
    "Field",
    "Histogram",
    "LogNormalizer",
    "MixtureChoice",
    "Region",
    "Score",
    "compare",
    "field",
    "fit_mixture",
    "fit_normal",
    "grid_lines",
    "histogram",
    "jacobian",
    "log_normalizer",
    "ranks",
    "region",
    "score",
]
