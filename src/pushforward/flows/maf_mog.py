"""Masked autoregressive flow on a MADE with mixtures of normals."""

from jaxtyping import PRNGKeyArray

from ..bijectors import Affine, Bijector
from ..bijectors.scalar.affine import ScaleKind
from ..distributions import AutoregressiveLaw, ConditionalMixture
from ..distributions.flow import Flow
from ..nets.mlp import Activation
from ..numerics.quick import split
from ._laws import masked_net
from ._parts import autoregressive, check_hidden, check_sizes, context_shape, normalised, repeated
from .registry import register


@register
def maf_mog(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 5,
    components: int = 10,
    hidden: tuple[int, ...] = (128, 128),
    activation: Activation = "relu",
    dropout: float = 0.0,
    residual: bool = False,
    scale: ScaleKind = "exp",
    bound: float = 5.0,
    batch_norm: bool = False,
) -> Flow:
    """MAF MoG: the layers of `maf`, on a base that is a MADE with mixtures of normals, trained together.

    A log-density takes one pass of each network, the base's included. A sample takes `features` short turns of each,
    which together cost about one more pass.

    Args:
        key: for the initial weights.
        features: size of an event. Unlike `maf`, one feature may have several modes.
        context_features: size of the context, which layers and base see; 0 for none.
        layers: number of autoregressive layers; the paper has 5.
        components: normals of each mixture of the base, the paper's C.
        hidden: hidden layers of each MADE.
        activation: activation of each MADE.
        dropout: dropout in each MADE while training.
        residual: residual blocks in each MADE, of the widths in `hidden`.
        scale: how the layers' scales are made positive, see `Affine`.
        bound: bound of the log-scales, of the layers' with "exp" and of the base's change.
        batch_norm: a `BatchNorm` behind each layer towards the base, as in the paper. A batch should then have a
            hundred rows or so.

    Returns:
        A Flow that starts as its base, nearly a standard normal law (with scale "exp" or "softplus"; with
        `batch_norm` but for a factor of sqrt(1 + 1e-5) a layer, until `fit` gives it statistics).

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Papamakarios et al. 2017, Masked Autoregressive Flow, arXiv:1705.07057, section 4.1: MAF MoG (5), C = 10;
        batch normalisation in appendix B.
    """
    check_sizes("maf_mog", features=features, layers=layers, components=components)
    check_sizes("maf_mog", least=0, context_features=context_features)
    check_hidden("maf_mog", hidden)
    net = {"hidden": hidden, "activation": activation, "dropout": dropout, "residual": residual}
    affine, mixture = Affine(scale=scale, bound=bound), ConditionalMixture(components, bound)
    of_layers, of_base = split(key)
    base = masked_net(of_base, mixture, features, context_features, **net)

    def layer(key: PRNGKeyArray) -> Bijector:
        made = autoregressive(key, affine, features, context_features, "density", **net)
        return normalised(made, batch_norm)

    law = AutoregressiveLaw(mixture, base, context_shape(context_features))
    return Flow(law, repeated(layer, of_layers, layers, compiles_fast=True))
