"""What is true of a fitted flow, in numbers; nothing is drawn here."""

from .anomalies import Surprises, p_values, surprises
from .audit import Audit, Finding, Speed, audit
from .baselines import MixtureChoice, fit_mixture, fit_normal
from .blocks import draws, log_probs
from .conditionals import Conditionals, conditionals
from .dependence import Dependence, class_information, dependent_pairs, distance
from .estimates import Estimate, Estimates, expectation, tail_probability
from .frame_baselines import Baseline, frame_baselines, frame_encoder, frame_scores
from .frame_surprises import frame_surprises
from .importance import Integral, LogNormalizer, integrate, log_normalizer
from .information import ConditionalMean, Marginal, conditional_mean, log_marginal, mutual_information
from .measures import Moments, entropy, kl, moments
from .plane import Field, field, grid_lines, jacobian
from .scores import Score, ranks, score
from .shapes import Comparison, Histogram, Region, compare, histogram, region, shown
from .stages import flow_stages

__all__ = [
    "Audit",
    "Baseline",
    "Comparison",
    "ConditionalMean",
    "Conditionals",
    "Dependence",
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
    "class_information",
    "compare",
    "conditional_mean",
    "conditionals",
    "dependent_pairs",
    "distance",
    "draws",
    "entropy",
    "expectation",
    "field",
    "fit_mixture",
    "fit_normal",
    "flow_stages",
    "frame_baselines",
    "frame_encoder",
    "frame_scores",
    "frame_surprises",
    "grid_lines",
    "histogram",
    "integrate",
    "jacobian",
    "kl",
    "log_marginal",
    "log_normalizer",
    "log_probs",
    "moments",
    "mutual_information",
    "p_values",
    "ranks",
    "region",
    "score",
    "shown",
    "surprises",
    "tail_probability",
]
