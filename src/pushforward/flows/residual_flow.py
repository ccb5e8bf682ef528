"""Residual flows: contractive residual layers trained with an unbiased log-determinant."""

from jaxtyping import PRNGKeyArray

from ..bijectors.residual import LogDet
from ..distributions.flow import Flow
from ..nets.lipschitz import LipschitzActivation
from ._residual import residual_layers
from .registry import register


@register
def residual_flow(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 8,
    hidden: tuple[int, ...] = (128, 128),
    activation: LipschitzActivation = "lip_swish",
    lipschitz: float = 0.97,
    log_det: LogDet = "auto",
    terms: int | None = None,
    base: str = "normal",
) -> Flow:
    """Residual flow: layers z = x + g(x) from data to base, each g a contraction, with an `ActNorm` before each.

    Every layer's Jacobian is full: no feature waits for another and none passes unchanged. A log-density is exact and
    takes one pass with as many derivatives as there are features; a sample solves a fixed point in every layer.

    Args:
        key: for the initial weights.
        features: size of an event.
        context_features: size of the context; 0 for none.
        layers: number of residual layers.
        hidden: hidden layers of each `LipschitzMLP`.
        activation: "lip_swish" as in the paper, or "elu".
        lipschitz: bound of each g. Near 1 a layer can do more, and its inverse takes more steps.
        log_det: how training finds log-determinants, see `Residual`: "unbiased" as in the paper, "exact", "series",
            or "auto", which is exact up to 8 features. `log_prob` is exact.
        terms: terms of the series, see `Residual`.
        base: "normal", "logistic" or "student_t".

    Returns:
        A Flow that starts as its base.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Chen et al. 2019, Residual Flows for Invertible Generative Modeling, arXiv:1906.02735.
    """
    return residual_layers(
        "residual_flow",
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
