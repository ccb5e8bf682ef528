"""Sum-of-squares polynomial flow: autoregressive layers of increasing polynomials."""

from jaxtyping import PRNGKeyArray

from ..bijectors import SumOfSquares
from ..distributions.flow import Flow
from ..nets.mlp import Activation
from ._parts import Fast, bending
from .registry import register


@register
def sos(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 5,
    hidden: tuple[int, ...] = (128, 128),
    degree: int = 4,
    terms: int = 3,
    bound: float = 5.0,
    activation: Activation = "relu",
    dropout: float = 0.0,
    residual: bool = False,
    base: str = "normal",
    fast: Fast = "density",
) -> Flow:
    """Sum-of-squares polynomial flow: autoregressive layers whose scalar maps are increasing polynomials.

    From data to base: z_i = shift + (integral from 0 to x_i of a sum of squared polynomials), all given by
    x_1 ... x_(i-1). The data should be standardised: beyond `bound` the maps are straight lines.

    Args:
        key: for the initial weights.
        features: size of an event. One feature without context is a chain of free scalar maps.
        context_features: size of the context; 0 for none.
        layers: number of autoregressive layers.
        hidden: hidden layers of each MADE.
        degree: of each squared polynomial.
        terms: squares in each sum.
        bound: half width of the interval in which the maps bend.
        activation: activation of each MADE.
        dropout: dropout in each MADE while training.
        residual: residual blocks in each MADE, of the widths in `hidden`.
        base: "normal", "logistic" or "student_t".
        fast: "density": a log-density takes one pass, and a sample `features` short turns, each with a search for its
            number. "sampling": the other way round, the same layers inverted.

    Returns:
        A Flow that starts near its base.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Jaini et al. 2019, Sum-of-Squares Polynomial Flow, arXiv:1905.02325, section 4.
    """
    net = {"hidden": hidden, "activation": activation, "dropout": dropout, "residual": residual}
    size = {"features": features, "context_features": context_features, "layers": layers}
    return bending("sos", key, SumOfSquares(degree, terms, bound), base=base, fast=fast, **size, **net)
