"""Sylvester flow: layers of several planar maps at once, in the paper's three parameterisations."""

import typing
from typing import Literal

from jaxtyping import PRNGKeyArray

from ..bijectors import Bijector, Chain, Reverse, Sylvester
from ..bijectors.planar import cheap_side
from ..distributions.flow import Flow
from ..errors import ConfigError
from ..nets.mlp import Activation
from ..numerics.planar import Bend
from ..numerics.quick import split
from ._parts import Fast, amortised, base_law, check_fast, check_hidden, check_sizes, repeated, turned
from .registry import register

Kind = Literal["orthogonal", "householder", "triangular"]


@register
def sylvester(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 4,
    kind: Kind = "orthogonal",
    width: int = 16,
    reflections: int = 8,
    bend: Bend = "tanh",
    hidden: tuple[int, ...] = (128, 128),
    activation: Activation = "relu",
    base: str = "normal",
    fast: Fast = "sampling",
) -> Flow:
    """Sylvester flow: from base to data z <- z + Q R h(R~ Q^T z + b), layer by layer.

    With a context an MLP for each layer adds to all parameters, those of Q included, what it reads off the context: the
    network's last layer then has some width * (features + 2 * width) outputs.

    Args:
        key: for the initial parameters.
        features: size of an event.
        context_features: size of the context; 0 for none.
        layers: number of layers; the paper has 4 to 16.
        kind: "orthogonal": Q has `width` orthonormal columns. "householder": Q is square, a product of
            `reflections`. "triangular": Q is the identity, and every second layer sees the features in reversed order.
        width: the paper's M, for "orthogonal"; no more than the features are used.
        reflections: the paper's H, for "householder".
        bend: h, "tanh" (the paper's) or "leaky_relu".
        hidden: hidden layers of the MLPs; of no meaning without a context.
        activation: activation of the MLPs.
        base: "normal", "logistic" or "student_t".
        fast: "sampling", the paper's use: samples and their log-densities are explicit, the log-density of other points
            takes M roots in turn for each layer. "density": the same layers inverted.

    Returns:
        A Flow that starts as its base.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: van den Berg et al. 2018, Sylvester Normalizing Flows for Variational Inference, arXiv:1803.05649,
        section 3. Their "orthogonal" Q comes out of an iteration, this one is orthogonal to rounding.
    """
    check_sizes("sylvester", features=features, layers=layers, width=width, reflections=reflections)
    check_sizes("sylvester", least=0, context_features=context_features)
    check_hidden("sylvester", hidden)
    check_fast("sylvester", fast)
    cheap_side("sylvester", bend)
    if kind not in typing.get_args(Kind):
        raise ConfigError(f"sylvester: expected kind orthogonal, householder or triangular, got {kind!r}.")
    columns = min(width, features) if kind == "orthogonal" else features
    count = {"orthogonal": columns, "householder": reflections, "triangular": 0}[kind]

    def layer(key: PRNGKeyArray) -> Bijector:
        start, net = split(key)
        bent = Sylvester(features, width=columns, reflections=count, bend=bend, key=start)
        made = amortised(net, bent, context_features, hidden=hidden, activation=activation)
        return turned(Chain([made, Reverse((features,))]) if kind == "triangular" else made, fast)

    return Flow(base_law("sylvester", base, features), repeated(layer, key, layers))
