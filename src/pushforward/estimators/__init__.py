"""Estimators in scikit-learn's grammar; the only room that imports it (`pip install pushforward[sklearn]`)."""

from .classifier import FlowClassifier
from .conditional import ConditionalFlow
from .density import FlowDensity
from .outlier import FlowOutlierDetector
from .transformer import FlowTransformer

__all__ = ["ConditionalFlow", "FlowClassifier", "FlowDensity", "FlowOutlierDetector", "FlowTransformer"]
