"""What is true of a fitted flow, in numbers; nothing is drawn here."""

from .anomalies import Surprises, p_values, surprises
from .audit import Audit, Finding, Speed, audit
from .baselines import MixtureChoice, fit_mixture, fit_normal
from .conditionals import Conditionals, conditionals
from .estimates import Estimate, Estimates, expectation, tail_probability
from .importance import Integral, LogNormalizer, integrate, log_normalizer
from .information import ConditionalMean, Marginal, conditional_mean, log_marginal, mutual_information
from .measures import Moments, entropy, kl, moments
from .plane import Field, field, grid_lines, jacobian
from .scores import Score, ranks, score
from .shapes import Comparison, Histogram, Region, compare, histogram, region

__all__ = [
    "Audit",
    "Comparison",
    "ConditionalMean",
    "Conditionals",
    "Estimate",
    "Estimates",
    "Field",
    "Finding",
    "Histogram",
    "Integral",
    "LogNormalizer",
    "Marginal",
    "MixtureChoice",
    "Moments",
    "Region",
    "Score",
    "Speed",
    "Surprises",
    "audit",
    "compare",
    "conditional_mean",
    "conditionals",
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
    "log_marginal",
    "log_normalizer",
    "moments",
    "mutual_information",
    "p_values",
    "ranks",
    "region",
    "score",
    "surprises",
    "tail_probability",
]
