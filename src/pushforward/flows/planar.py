"""Planar and radial flows: many layers that each bend the space across one plane or around one point."""

from jaxtyping import PRNGKeyArray

from ..bijectors import Bijector, Planar, Radial
from ..bijectors.planar import cheap_side
from ..distributions.flow import Flow
from ..nets.mlp import Activation
from ..numerics.planar import Bend
from ..numerics.quick import split
from ._parts import Fast, amortised, base_law, check_fast, check_hidden, check_sizes, repeated, turned
from .registry import register


@register
def planar(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 16,
    bend: Bend = "tanh",
    hidden: tuple[int, ...] = (128, 128),
    activation: Activation = "relu",
    base: str = "normal",
    fast: Fast = "sampling",
) -> Flow:
    """Planar flow: from base to data z <- z + u^ h(w^T z + b), layer by layer.

    Each layer has 2 * features + 1 parameters. With a context an MLP for each layer adds to them what it reads off
    the context, as the inference network of a variational autoencoder does.

    Args:
        key: for the initial parameters.
        features: size of an event.
        context_features: size of the context; 0 for none.
        layers: number of layers; the paper has 2 to 80.
        bend: h, "tanh" (the paper's) or "leaky_relu", whose inverse is in closed form.
        hidden: hidden layers of the MLPs; of no meaning without a context.
        activation: activation of the MLPs.
        base: "normal", "logistic" or "student_t".
        fast: "sampling", the paper's use: samples and their log-densities are explicit, the log-density of other points
            takes one root for each layer. "density": the same layers inverted. Roots take a few Newton steps and
            are exact to rounding.

    Returns:
        A Flow that starts as its base.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Rezende and Mohamed 2015, Variational Inference with Normalizing Flows, arXiv:1505.05770, eq. 10-12 and
        section 6.
    """
    _check("planar", features, context_features, layers, hidden, fast)
    cheap_side("planar", bend)

    def layer(key: PRNGKeyArray) -> Bijector:
        start, net = split(key)
        plane = Planar(features, bend=bend, key=start)
        return turned(amortised(net, plane, context_features, hidden=hidden, activation=activation), fast)

    return Flow(base_law("planar", base, features), repeated(layer, key, layers))


@register
def radial(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 16,
    hidden: tuple[int, ...] = (128, 128),
    activation: Activation = "relu",
    base: str = "normal",
    fast: Fast = "sampling",
) -> Flow:
    """Radial flow: from base to data z <- z + beta (z - z0) / (alpha + |z - z0|), layer by layer.

    Each layer has features + 2 parameters; with a context an MLP for each layer adds to them what it reads off the
    context.

    Args:
        key: for the initial parameters.
        features: size of an event.
        context_features: size of the context; 0 for none.
        layers: number of layers.
        hidden: hidden layers of the MLPs; of no meaning without a context.
        activation: activation of the MLPs.
        base: "normal", "logistic" or "student_t".
        fast: "sampling": the formula goes from base to data, as in the paper. "density": it goes from data to base.
            Its inverse is in closed form, so both are fast both ways.

    Returns:
        A Flow that starts as its base.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Rezende and Mohamed 2015, arXiv:1505.05770, eq. 13-14.
    """
    _check("radial", features, context_features, layers, hidden, fast)

    def layer(key: PRNGKeyArray) -> Bijector:
        start, net = split(key)
        ball = Radial(features, key=start)
        return turned(amortised(net, ball, context_features, hidden=hidden, activation=activation), fast)

    return Flow(base_law("radial", base, features), repeated(layer, key, layers))


def _check(
    who: str, features: int, context_features: int, layers: int, hidden: tuple[int, ...], fast: str
) -> None:
    check_sizes(who, features=features, layers=layers)
    check_sizes(who, least=0, context_features=context_features)
    check_hidden(who, hidden)
    check_fast(who, fast)
