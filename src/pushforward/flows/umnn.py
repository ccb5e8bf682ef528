"""Unconstrained monotonic neural network flow: autoregressive layers that integrate a positive network."""

from jaxtyping import PRNGKeyArray

from ..bijectors import MonotoneIntegral
from ..distributions.flow import Flow
from ..nets.mlp import Activation
from ._parts import Fast, bending
from .registry import register


@register
def umnn(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 5,
    hidden: tuple[int, ...] = (128, 128),
    units: int = 8,
    nodes: int = 33,
    bound: float = 5.0,
    activation: Activation = "relu",
    dropout: float = 0.0,
    residual: bool = False,
    base: str = "normal",
    fast: Fast = "density",
) -> Flow:
    """Unconstrained monotonic neural networks: autoregressive layers whose scalar maps integrate a positive network.

    From data to base: z_i = shift + scale * (integral from 0 to x_i of a positive function), all given by
    x_1 ... x_(i-1). The data should be standardised: beyond `bound` the maps are straight lines. The paper's integrand
    is one network that sees an embedding of x_1 ... x_(i-1); here the conditioner gives the weights of a small one.

    Args:
        key: for the initial weights.
        features: size of an event. One feature without context is a chain of free scalar maps.
        context_features: size of the context; 0 for none.
        layers: number of autoregressive layers.
        hidden: hidden layers of each MADE.
        units: hidden units of each integrand.
        nodes: of Clenshaw and Curtis's rule, an odd number.
        bound: half width of the interval in which the maps bend.
        activation: activation of each MADE.
        dropout: dropout in each MADE while training.
        residual: residual blocks in each MADE, of the widths in `hidden`.
        base: "normal", "logistic" or "student_t".
        fast: "density": a log-density takes one pass, and a sample `features` short turns, each with a search for its
            number. "sampling": the other way round, the same layers inverted.

    Returns:
        A Flow that starts as its base.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Wehenkel and Louppe 2019, Unconstrained Monotonic Neural Networks, arXiv:1908.05164, sections 3 and 4.
    """
    net = {"hidden": hidden, "activation": activation, "dropout": dropout, "residual": residual}
    size = {"features": features, "context_features": context_features, "layers": layers}
    return bending("umnn", key, MonotoneIntegral(units, nodes, bound), base=base, fast=fast, **size, **net)
