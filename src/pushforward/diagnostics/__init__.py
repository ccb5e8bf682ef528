"""What is true of a fitted flow, in numbers; nothing is drawn here."""

from .baselines import MixtureChoice, fit_mixture, fit_normal
from .plane import Field, field, grid_lines, jacobian
from .scores import Score, ranks, score
from .shapes import Comparison, Histogram, Region, compare, histogram, region

__all__ = [
    "Comparison",
    "Field",
    "Histogram",
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
    "ranks",
    "region",
    "score",
]
