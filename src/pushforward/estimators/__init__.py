"""Estimators in scikit-learn's grammar; the only room that imports it (`pip install pushforward[sklearn]`)."""

from .density import FlowDensity
from .outlier import FlowOutlierDetector
from .transformer import FlowTransformer

__all__ = ["FlowDensity", "FlowOutlierDetector", "FlowTransformer"]
