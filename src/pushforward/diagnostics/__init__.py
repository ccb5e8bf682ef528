"""What is true of a fitted flow, in numbers; nothing is drawn here."""

from .baselines import MixtureChoice, fit_mixture, fit_normal
from .blocks import draws, log_probs
from .dependence import Dependence, class_information, dependent_pairs, distance
from .frame_baselines import Baseline, frame_baselines
from .frame_surprises import frame_surprises
from .importance import LogNormalizer, log_normalizer
from .plane import Field, field, grid_lines, jacobian
from .scores import Score, ranks, score
from .shapes import Comparison, Histogram, Region, compare, histogram, region, shown
from .stages import flow_stages

__all__ = [
    "Baseline",
    "Comparison",
    "Dependence",
    "Field",
    "Histogram",
    "LogNormalizer",
    "MixtureChoice",
    "Region",
    "Score",
    "class_information",
    "compare",
    "dependent_pairs",
    "distance",
    "draws",
    "field",
    "fit_mixture",
    "fit_normal",
    "flow_stages",
    "frame_baselines",
    "frame_surprises",
    "grid_lines",
    "histogram",
    "jacobian",
    "log_normalizer",
    "log_probs",
    "ranks",
    "region",
    "score",
    "shown",
]
