"""The flow of the Normalizing Flows Tutorial: an invertible multilayer perceptron."""

import numpy as np
from jaxtyping import PRNGKeyArray

from ..bijectors import Affine, Bijector, Chain, Elementwise, Invert, PReLU, TriangularLowRank
from ..distributions.flow import Flow
from ..nets.mlp import Activation
from ..numerics.quick import split
from ._parts import base_law, check_hidden, check_sizes, coupling, repeated
from .registry import register


@register
def mlp_flow(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 6,
    rank: int = 2,
    hidden: tuple[int, ...] = (128, 128),
    activation: Activation = "relu",
    base: str = "normal",
) -> Flow:
    """An invertible multilayer perceptron: affine maps, and PReLUs between them with a learned slope for every unit.

    From data to base x <- PReLU((M + V D V^T) x + c), `layers` times, and a last affine map. The matrices are lower
    triangular plus low rank and can always be inverted, see `TriangularLowRank`. Both directions are exact and
    take features * (features + rank) multiplications a layer.

    Args:
        key: for the initial parameters.
        features: size of an event.
        context_features: size of the context; 0 for none. A context scales and shifts the units of every layer by what
            an MLP reads off it.
        layers: number of PReLU layers; the tutorial has 6 affine maps.
        rank: columns of V; no more than the features are used.
        hidden: hidden layers of the MLPs; of no meaning without a context.
        activation: activation of the MLPs.
        base: "normal", "logistic" or "student_t".

    Returns:
        A Flow that starts near its base.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Jang 2018, Normalizing Flows Tutorial, part 1 (blog.evjang.com/2018/01/nf1.html). There the formula goes
        from base to data; here the density is what is trained, so it goes from data to base.
    """
    check_sizes("mlp_flow", features=features, layers=layers, rank=rank)
    check_sizes("mlp_flow", least=0, context_features=context_features)
    check_hidden("mlp_flow", hidden)
    rank = min(rank, features)
    net = {"hidden": hidden, "activation": activation}

    def layer(key: PRNGKeyArray) -> Bijector:
        matrix, told = split(key)
        parts: list[Bijector] = [TriangularLowRank(features, rank, key=matrix)]
        if context_features:
            nothing_known = np.zeros(features, dtype=bool)
            parts.append(coupling(told, Affine(), nothing_known, context_features, **net))
        return Chain([*parts, Elementwise(PReLU(), (features,))])

    first, last = split(key)
    perceptron = [repeated(layer, first, layers), TriangularLowRank(features, rank, key=last)]
    return Flow(base_law("mlp_flow", base, features), Invert(Chain(perceptron)))
