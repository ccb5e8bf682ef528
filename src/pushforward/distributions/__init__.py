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
from .embedding import ContextScores, Embedding
from .ensemble import AutoregressiveEnsemble
from .flow import Flow, Recipe
from .gumbel import Gumbel
from .keyed import Keyed
from .kumaraswamy import Kumaraswamy
from .laplace import Laplace
from .logistic import Logistic, StandardLogistic
from .mixture import NormalMixture
from .named import ExpConcrete, LogitNormal, LogNormal, NamedFlow, RelaxedOneHotCategorical
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
    "ContextScores",
    "Distribution",
    "Embedding",
    "ExpConcrete",
    "Flow",
    "Gumbel",
    "Keyed",
    "Kumaraswamy",
    "Laplace",
    "LogNormal",
    "Logistic",
    "LogitNormal",
    "MultivariateNormal",
    "NamedFlow",
    "Normal",
    "NormalMixture",
    "Product",
    "Recipe",
    "RelaxedOneHotCategorical",
    "StandardLogistic",
    "StandardNormal",
    "StudentT",
    "Uniform",
    "initialize",
    "settle",
]
