"""Invertible residual network: contractive residual layers trained with a truncated log-determinant."""

from jaxtyping import PRNGKeyArray

from ..bijectors.residual import LogDet
from ..distributions.flow import Flow
from ..nets.lipschitz import LipschitzActivation
from ._residual import residual_layers
from .registry import register


@register
def iresnet(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 8,
    hidden: tuple[int, ...] = (128, 128),
    activation: LipschitzActivation = "elu",
    lipschitz: float = 0.9,
    log_det: LogDet = "series",
    terms: int | None = None,
    base: str = "normal",
) -> Flow:
    """Invertible residual network: layers z = x + g(x) from data to base, each g a contraction, `ActNorm` before each.

    The layers are those of `residual_flow`, with the paper's activation, and trained as in the paper with a power
    series that ends after `terms` terms: what training maximises is off by at most layers *
    `numerics.log_det.truncation_bound(features, lipschitz, terms)` nats. `log_prob` is exact.

    Args:
        key: for the initial weights.
        features: size of an event.
        context_features: size of the context; 0 for none.
        layers: number of residual layers.
        hidden: hidden layers of each `LipschitzMLP`.
        activation: "elu" as in the paper, or "lip_swish".
        lipschitz: bound of each g. Near 1 a layer can do more, and its inverse takes more steps.
        log_det: how training finds log-determinants, see `Residual`: "series" as in the paper, "exact", "unbiased",
            or "auto".
        terms: terms of the series, 20 if left out; the paper takes 5 to 10.
        base: "normal", "logistic" or "student_t".

    Returns:
        A Flow that starts as its base.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Behrmann et al. 2019, Invertible Residual Networks, arXiv:1811.00995.
    """
    return residual_layers(
        "iresnet",
        key,
        features,
        context_features,
        layers,
        base,
        log_det=log_det,
        terms=terms,
        hidden=hidden,
        activation=activation,
        lipschitz=lipschitz,
    )
