"""Laws over events: the base densities, and Flow, which pushes one of them forward."""

from .autoregressive import AutoregressiveLaw
from .base import Distribution
from .closed_form import ClosedForm
from .conditional import (
    ConditionalBernoulli,
    ConditionalCategorical,
    ConditionalLaw,
    ConditionalMixture,
    ConditionalNormal,
)
from .ensemble import AutoregressiveEnsemble
from .flow import Flow, Recipe
from .keyed import Keyed
from .laplace import Laplace
from .logistic import Logistic, StandardLogistic
from .mixture import NormalMixture
from .normal import MultivariateNormal, Normal, StandardNormal
from .product import Product
from .settling import initialize, settle
from .student_t import StudentT
from .uniform import Uniform

__all__ = [
    "AutoregressiveEnsemble",
    "AutoregressiveLaw",
    "ClosedForm",
    "ConditionalBernoulli",
    "ConditionalCategorical",
    "ConditionalLaw",
    "ConditionalMixture",
    "ConditionalNormal",
    "Distribution",
    "Flow",
    "Keyed",
    "Laplace",
    "Logistic",
    "MultivariateNormal",
    "Normal",
    "NormalMixture",
    "Product",
    "Recipe",
    "StandardLogistic",
    "StandardNormal",
    "StudentT",
    "Uniform",
    "initialize",
    "settle",
]
