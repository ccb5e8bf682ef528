"""Neural autoregressive flow: autoregressive layers of deep sigmoids."""

from jaxtyping import PRNGKeyArray

from ..bijectors import DeepSigmoid
from ..distributions.flow import Flow
from ..nets.mlp import Activation
from ._parts import Fast, bending
from .registry import register


@register
def naf(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 5,
    hidden: tuple[int, ...] = (128, 128),
    units: int = 8,
    depth: int = 1,
    activation: Activation = "relu",
    dropout: float = 0.0,
    residual: bool = False,
    base: str = "normal",
    fast: Fast = "density",
) -> Flow:
    """Neural autoregressive flow: autoregressive layers whose scalar maps are deep sigmoidal flows.

    From data to base: z_i = DSF(x_i; parameters from x_1 ... x_(i-1)), all i in one pass. The data should be
    standardised.

    Args:
        key: for the initial weights.
        features: size of an event. One feature without context is a chain of free scalar maps.
        context_features: size of the context; 0 for none.
        layers: number of autoregressive layers.
        hidden: hidden layers of each MADE.
        units: sigmoids in each layer of a scalar map.
        depth: layers of each scalar map.
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

    Reference: Huang et al. 2018, Neural Autoregressive Flows, arXiv:1804.00779, sections 3 and 3.1 (DSF).
    """
    net = {"hidden": hidden, "activation": activation, "dropout": dropout, "residual": residual}
    size = {"features": features, "context_features": context_features, "layers": layers}
    return bending("naf", key, DeepSigmoid(units, depth), base=base, fast=fast, **size, **net)
