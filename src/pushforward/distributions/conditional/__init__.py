"""Laws of one element given parameters that a network decides: what scalar maps are to bijectors."""

from .base import ConditionalLaw
from .discrete import ConditionalBernoulli, ConditionalCategorical
from .normal import ConditionalMixture, ConditionalNormal

__all__ = [
    "ConditionalBernoulli",
    "ConditionalCategorical",
    "ConditionalLaw",
    "ConditionalMixture",
    "ConditionalNormal",
]
