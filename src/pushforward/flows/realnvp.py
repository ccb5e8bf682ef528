"""RealNVP: affine couplings with alternating masks and a bounded log-scale."""

from jaxtyping import PRNGKeyArray

from ..bijectors import Affine, Bijector, Elementwise, Invert, alternating
from ..bijectors.reversible import Memory
from ..bijectors.scalar.affine import ScaleKind
from ..distributions.flow import Flow
from ..distributions.normal import StandardNormal
from ..nets.mlp import Activation
from ._parts import (
    alternated,
    check_hidden,
    check_memory,
    check_sizes,
    coupling,
    normalised,
    say_one_dimensional,
)
from .registry import register


@register
def realnvp(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 8,
    hidden: tuple[int, ...] = (128, 128),
    activation: Activation = "relu",
    dropout: float = 0.0,
    scale: ScaleKind = "exp",
    bound: float = 3.0,
    batch_norm: bool = False,
    memory: Memory = "store",
) -> Flow:
    """RealNVP: affine couplings, even and odd elements in turn, on a standard normal base.

    The couplings run from data to base: z_b = x_b * s(x_a) + t(x_a), the paper's direction.

    Args:
        key: for the initial weights.
        features: size of an event. With one feature and no context only a shift and a scale remain: a
            Gaussian.
        context_features: size of the context; 0 for none.
        layers: number of couplings.
        hidden: hidden layers of each conditioner.
        activation: activation of the conditioners.
        dropout: dropout in the conditioners while training.
        scale: how the scale is made positive, see `Affine`.
        bound: bound of the log-scale of "exp".
        batch_norm: a `BatchNorm` behind each coupling towards the base, as the MAF paper has it for many layers. A
            batch should then have a hundred rows or so.
        memory: "constant" has the gradient recompute what each layer was given, rather than store it for all layers:
            see `Stack`. Not with `batch_norm`.

    Returns:
        A Flow that starts as the standard normal (with scale "exp" or "softplus"; with `batch_norm` but for a factor
        of sqrt(1 + 1e-5) a layer, until `fit` gives it statistics).

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Dinh et al. 2016, Density estimation using Real NVP, arXiv:1605.08803, eq. 4-8 and figure 3;
        batch normalisation: Papamakarios et al. 2017, arXiv:1705.07057, appendix B.
    """
    check_sizes("realnvp", features=features, layers=layers)
    check_sizes("realnvp", least=0, context_features=context_features)
    check_hidden("realnvp", hidden)
    check_memory("realnvp", memory)
    affine = Affine(scale=scale, bound=bound)
    if features == 1 and not context_features:
        say_one_dimensional("realnvp", "a shift with a scale, so a Gaussian,")
        return Flow(StandardNormal((1,)), normalised(Invert(Elementwise(affine, (1,))), batch_norm))

    def layer(key: PRNGKeyArray, swap: bool) -> Bijector:
        mask = alternating(features, swap=swap)
        net = {"hidden": hidden, "activation": activation, "dropout": dropout}
        return normalised(Invert(coupling(key, affine, mask, context_features, **net)), batch_norm)

    return Flow(StandardNormal((features,)), alternated(layer, key, layers, memory))
