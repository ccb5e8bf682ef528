"""Inverse autoregressive flow: gated autoregressive layers whose samples take one pass."""

from jaxtyping import PRNGKeyArray

from ..bijectors import Gate
from ..distributions.flow import Flow
from ..nets.mlp import Activation
from ._parts import Fast, autoregressive, base_law, check_autoregressive, repeated
from .registry import register


@register
def iaf(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 4,
    hidden: tuple[int, ...] = (128, 128),
    activation: Activation = "elu",
    residual: bool = False,
    base: str = "normal",
    fast: Fast = "sampling",
) -> Flow:
    """Inverse autoregressive flow: gated autoregressive layers from base to data, the order reversed between them.

    From base to data: z <- sigmoid(s) * z + (1 - sigmoid(s)) * m with m, s from a MADE of z and the context, which in a
    variational autoencoder is what its encoder says: the paper's numerically stable form.

    Args:
        key: for the initial weights.
        features: size of an event. One feature without context is Gaussian, whatever the number of layers.
        context_features: size of the context h; 0 for none.
        layers: number of autoregressive layers.
        hidden: hidden layers of each MADE.
        activation: activation of each MADE.
        residual: residual blocks in each MADE, of the widths in `hidden`.
        base: "normal", "logistic" or "student_t".
        fast: "sampling": samples, and their log-densities, take one pass; the log-density of other points takes
            `features` short turns which together cost about one more. "density": the other way round.

    Returns:
        A Flow that starts as its base, contracted a little by each gate.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Kingma et al. 2016, Improving Variational Inference with Inverse Autoregressive Flow,
        arXiv:1606.04934, algorithm 1 and eq. 10-14.
    """
    net = {"hidden": hidden, "activation": activation, "residual": residual}
    check_autoregressive("iaf", features, context_features, layers, hidden, fast)

    return Flow(
        base_law("iaf", base, features),
        repeated(
            lambda k: autoregressive(k, Gate(), features, context_features, fast, **net),
            key,
            layers,
            compiles_fast=True,
        ),
    )
