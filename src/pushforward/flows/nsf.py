"""Neural spline flow: rational-quadratic couplings or autoregressive layers, mixed by linear maps."""

from typing import Any, Literal

from jaxtyping import PRNGKeyArray

from ..bijectors import (
    LU,
    Affine,
    Autoregressive,
    Bijector,
    Chain,
    Elementwise,
    Permute,
    RationalQuadraticSpline,
    Reverse,
    alternating,
    halves,
)
from ..bijectors.reversible import Memory
from ..distributions.flow import Flow
from ..errors import ConfigError
from ..nets import MADE
from ..nets.mlp import Activation
from ..numerics.quick import permutation, split
from ._parts import (
    Fast,
    base_law,
    check_fast,
    check_hidden,
    check_memory,
    check_sizes,
    context_shape,
    coupling,
    repeated,
    say_one_dimensional,
    turned,
)
from .registry import register

Mixing = Literal["lu", "permutation", "reverse"]


@register
def nsf(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 8,
    hidden: tuple[int, ...] = (128, 128),
    bins: int = 8,
    bound: float = 5.0,
    mixing: Mixing = "lu",
    activation: Activation = "relu",
    dropout: float = 0.0,
    base: str = "normal",
    autoregressive: bool = False,
    fast: Fast = "density",
    memory: Memory = "store",
) -> Flow:
    """Neural spline flow, with couplings or autoregressive layers.

    Each layer, from data to base unless sampling is to be fast: a mixing of the features, then a coupling whose first
    half decides the splines of the second, or a masked autoregressive layer in which those before it decide each
    feature's spline. The data should be standardised: beyond `bound` the splines are the identity.

    Args:
        key: for the initial weights and the permutations.
        features: size of an event. With one feature and no context it is a chain of splines and affine maps.
        context_features: size of the context; 0 for none.
        layers: number of couplings.
        hidden: hidden layers of each conditioner.
        bins: bins of each spline.
        bound: half width of the splines' interval.
        mixing: "lu" (a random permutation and a learned LU map, the paper's choice), "permutation" (random)
            or "reverse".
        activation: activation of the conditioners.
        dropout: dropout in the conditioners while training.
        base: "normal", "logistic" or "student_t" (with learned degrees of freedom, for heavy tails).
        autoregressive: MADE conditioners in place of couplings: more expressive for each layer; the density
            takes one pass, sampling `features` short steps for each layer.
        fast: "sampling" turns the layers round: sampling then takes one pass, the density of autoregressive layers
            `features` short steps. Couplings are fast both ways.
        memory: "constant" has the gradient recompute what each layer was given, rather than store it for all layers:
            see `Stack`. Not with `autoregressive`, whose layers are slow to undo.

    Returns:
        A Flow that starts as its base: LU maps and splines start as the identity.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Durkan et al. 2019, Neural Spline Flows, arXiv:1906.04032, sections 3.1, 4 and 5.1.
    """
    check_sizes("nsf", features=features, layers=layers)
    check_sizes("nsf", least=0, context_features=context_features)
    check_hidden("nsf", hidden)
    if mixing not in ("lu", "permutation", "reverse"):
        raise ConfigError(f"nsf: expected mixing lu, permutation or reverse, got {mixing!r}.")
    check_fast("nsf", fast)
    check_memory("nsf", memory)
    if autoregressive and memory == "constant":
        raise ConfigError(
            "nsf: expected memory store with autoregressive layers, whose inverse is slow, got constant."
        )
    spline = RationalQuadraticSpline(bins, bound)
    net = {"hidden": hidden, "activation": activation, "dropout": dropout}
    if features == 1 and not context_features:
        say_one_dimensional("nsf", "a chain of splines and affine maps")

    def layer(key: PRNGKeyArray) -> Bijector:
        if features == 1:
            inner: list[Bijector] = _one_dimensional(key, spline, context_features, net)
        else:
            mixer, splines = split(key)
            if autoregressive:
                size = {"context_features": context_features, **net}
                made = MADE(splines, features, spline.num_params, **size)
                mapping: Bijector = Autoregressive(spline, made, context_shape(context_features))
            else:
                mapping = coupling(splines, spline, halves(features), context_features, **net)
            inner = [*_mixing(mixer, features, mixing), mapping]
        # With fast densities the parts are written from data to base, where training goes: their forward formulas are
        # the cheaper ones.
        return turned(Chain(inner), fast)

    return Flow(base_law("nsf", base, features), repeated(layer, key, layers, memory))


def _mixing(key: PRNGKeyArray, features: int, mixing: Mixing) -> list[Bijector]:
    if mixing == "reverse":
        return [Reverse((features,))]
    permute = Permute(permutation(key, features))
    return [permute] if mixing == "permutation" else [permute, LU(features)]


def _one_dimensional(
    key: PRNGKeyArray, spline: RationalQuadraticSpline, context_features: int, net: dict[str, Any]
) -> list[Bijector]:
    if not context_features:
        return [Elementwise(Affine("softplus"), (1,)), Elementwise(spline, (1,))]
    first, second = split(key)
    nothing_known = alternating(1)
    return [
        coupling(first, Affine("softplus"), nothing_known, context_features, **net),
        coupling(second, spline, nothing_known, context_features, **net),
    ]
