"""Gaussianization flow: rotations and marginal maps to the normal law in turn."""

import numpy as np
from jaxtyping import PRNGKeyArray

from ..bijectors import Bijector, Chain, Elementwise, Gaussianize, Invert, Orthogonal
from ..distributions.flow import Flow
from ..numerics.quick import split
from ._parts import base_law, check_hidden, check_sizes, coupling, repeated
from .registry import register


@register
def gaussianization(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 6,
    hidden: tuple[int, ...] = (128, 128),
    components: int = 8,
) -> Flow:
    """Gaussianization flow: each layer rotates the features, and then maps every one to a normal law by itself.

    From data to base: a learned rotation by Householder reflections, random at the start, then z_i = Phi^-1(F_i(x_i))
    with F_i the distribution function of a mixture of logistic laws. No network is needed; with a context, one gives
    the mixtures. The data should be standardised.

    Args:
        key: for the initial rotations and weights.
        features: size of an event.
        context_features: size of the context; 0 for none.
        layers: number of layers.
        hidden: hidden layers of the networks that turn a context into mixtures; without a context there are none.
        components: logistic laws in each mixture.

    Returns:
        A Flow that starts near its base, the standard normal law.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Meng et al. 2020, Gaussianization Flows, arXiv:2003.01941, section 3.
    """
    check_sizes("gaussianization", features=features, layers=layers)
    check_sizes("gaussianization", least=0, context_features=context_features)
    check_hidden("gaussianization", hidden)
    scalar = Gaussianize(components)

    def layer(key: PRNGKeyArray) -> Bijector:
        rotation, marginal = split(key)
        if context_features:
            nothing_known = np.zeros(features, dtype=bool)
            mapping: Bijector = coupling(marginal, scalar, nothing_known, context_features, hidden=hidden)
        else:
            mapping = Elementwise(scalar, (features,))
        return Invert(Chain([Orthogonal(features, key=rotation), mapping]))

    return Flow(base_law("gaussianization", "normal", features), repeated(layer, key, layers))
