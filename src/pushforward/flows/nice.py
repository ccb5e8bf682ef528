"""NICE: additive couplings and a final scaling."""

from jaxtyping import PRNGKeyArray

from ..bijectors import Bijector, Chain, Elementwise, Invert, Scale, Shift, alternating
from ..bijectors.reversible import Memory
from ..distributions import Flow
from ..nets.mlp import Activation
from ._parts import (
    alternated,
    base_law,
    check_hidden,
    check_memory,
    check_sizes,
    coupling,
    say_one_dimensional,
)
from .registry import register


@register
def nice(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 4,
    hidden: tuple[int, ...] = (128, 128),
    activation: Activation = "relu",
    base: str = "logistic",
    memory: Memory = "store",
) -> Flow:
    """NICE: volume-preserving additive couplings, one diagonal scaling, a factorial base.

    Args:
        key: for the initial weights.
        features: size of an event. With one feature there is nothing to couple: shift and scale alone remain.
        context_features: size of the context; 0 for none.
        layers: number of couplings; the part that passes unchanged alternates.
        hidden: hidden layers of each conditioner.
        activation: activation of the conditioners.
        base: "logistic" (the paper's better choice), "normal" or "student_t".
        memory: "constant" has the gradient recompute what each layer was given, rather than store it for all layers:
            see `Stack`.

    Returns:
        A Flow whose log-determinant is the scaling's alone: log p(x) = log p(z) + sum(log s), z = s * h(x).

    Raises:
        ConfigError: if a size is no positive whole number or the base is unknown.

    Reference: Dinh et al. 2014, NICE, arXiv:1410.8516: couplings section 3.2, scaling section 3.3, base
        section 3.4.
    """
    check_sizes("nice", features=features, layers=layers)
    check_sizes("nice", least=0, context_features=context_features)
    check_hidden("nice", hidden)
    check_memory("nice", memory)
    law = base_law("nice", base, features)
    if features == 1 and not context_features:
        say_one_dimensional("nice", "a shift with a scale")
        couplings: Bijector = Elementwise(Shift(), (1,))
    else:
        net = {"hidden": hidden, "activation": activation}
        couplings = alternated(
            lambda k, swap: coupling(k, Shift(), alternating(features, swap=swap), context_features, **net),
            key,
            layers,
            memory,
        )
    return Flow(law, Chain([Invert(Elementwise(Scale(), (features,))), couplings]))
