"""What is true of a fitted flow, in numbers; nothing is drawn here."""

from .baselines import MixtureChoice, fit_mixture, fit_normal
from .estimates import Estimate, Estimates, expectation, tail_probability
from .importance import Integral, LogNormalizer, integrate, log_normalizer
from .measures import Moments, entropy, kl, moments
from .plane import Field, field, grid_lines, jacobian
from .scores import Score, ranks, score
from .shapes import Comparison, Histogram, Region, compare, histogram, region

__all__ = [
    "Comparison",
    "Estimate",
    "Estimates",
    "Field",
    "Histogram",
    "Integral",
    "LogNormalizer",
    "MixtureChoice",
    "Moments",
    "Region",
    "Score",
    "compare",
    "entropy",
    "expectation",
    "field",
    "fit_mixture",
    "fit_normal",
    "grid_lines",
    "histogram",
    "integrate",
    "jacobian",
    "kl",
    "log_normalizer",
    "moments",
    "ranks",
    "region",
    "score",
    "tail_probability",
]
