"""What the recipes of contractive residual layers share."""

from typing import Any

from jaxtyping import PRNGKeyArray

from ..bijectors import ActNorm, Bijector, Chain, Invert, Residual
from ..bijectors.residual import LogDet, check_log_det
from ..distributions.flow import Flow
from ..nets.lipschitz import LipschitzMLP, check_lipschitz
from ._parts import base_law, check_hidden, check_sizes, context_shape, repeated


def residual_layers(
    who: str,
    key: PRNGKeyArray,
    features: int,
    context_features: int,
    layers: int,
    base: str,
    *,
    log_det: LogDet,
    terms: int | None,
    **net: Any,
) -> Flow:
    """Return a flow of residual layers, each behind an `ActNorm`, whose forward direction leads from data to base.

    Args:
        who: the recipe, for errors.
        key: for the initial weights.
        features: size of an event.
        context_features: size of the context; 0 for none.
        layers: number of residual layers.
        base: "normal", "logistic" or "student_t".
        log_det: see `Residual`.
        terms: see `Residual`.
        **net: hidden, activation and lipschitz of the `LipschitzMLP`.

    Raises:
        ConfigError: if an argument does not fit.
    """
    check_sizes(who, features=features, layers=layers)
    check_sizes(who, least=0, context_features=context_features)
    check_hidden(who, net["hidden"])
    check_lipschitz(who, net["lipschitz"])
    check_log_det(who, log_det, terms)

    def layer(key: PRNGKeyArray) -> Bijector:
        contraction = LipschitzMLP(key, features, context_features=context_features, **net)
        residual = Residual(
            contraction, context_shape=context_shape(context_features), log_det=log_det, terms=terms
        )
        return Chain([ActNorm((features,)), residual])

    return Flow(base_law(who, base, features), Invert(repeated(layer, key, layers)))
