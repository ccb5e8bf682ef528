"""Masked autoregressive flow: affine autoregressive layers whose density takes one pass."""

from jaxtyping import PRNGKeyArray

from ..bijectors import Affine, Bijector
from ..bijectors.scalar.affine import ScaleKind
from ..distributions.flow import Flow
from ..nets.mlp import Activation
from ._parts import Fast, autoregressive, base_law, check_autoregressive, normalised, repeated
from .registry import register


@register
def maf(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 5,
    hidden: tuple[int, ...] = (128, 128),
    activation: Activation = "relu",
    dropout: float = 0.0,
    residual: bool = False,
    scale: ScaleKind = "exp",
    bound: float = 5.0,
    base: str = "normal",
    fast: Fast = "density",
    batch_norm: bool = False,
) -> Flow:
    """Masked autoregressive flow: affine autoregressive layers, the order reversed from layer to layer.

    From data to base: z_i = x_i * s_i(x_1 ... x_(i-1)) + t_i(x_1 ... x_(i-1)), all i in one pass.

    Args:
        key: for the initial weights.
        features: size of an event. One feature without context is Gaussian, whatever the number of layers.
        context_features: size of the context; 0 for none.
        layers: number of autoregressive layers; the paper has 5 and 10.
        hidden: hidden layers of each MADE.
        activation: activation of each MADE.
        dropout: dropout in each MADE while training.
        residual: residual blocks in each MADE, of the widths in `hidden`.
        scale: how the scale is made positive, see `Affine`. The paper's is "exp", without a bound.
        bound: bound of the log-scale of "exp".
        base: "normal", "logistic" or "student_t".
        fast: "density": a log-density takes one pass, and a sample `features` short turns which together cost about
            one more. "sampling": the other way round, the same layers inverted.
        batch_norm: a `BatchNorm` behind each layer towards the base, as the paper has it for many layers. A batch
            should then have a hundred rows or so.

    Returns:
        A Flow that starts as its base (with scale "exp" or "softplus"; with `batch_norm` but for a factor of
        sqrt(1 + 1e-5) a layer, until `fit` gives it statistics).

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Papamakarios et al. 2017, Masked Autoregressive Flow, arXiv:1705.07057, eq. 3-7; batch normalisation in
        appendix B.
    """
    net = {"hidden": hidden, "activation": activation, "dropout": dropout, "residual": residual}
    check_autoregressive("maf", features, context_features, layers, hidden, fast)
    affine = Affine(scale=scale, bound=bound)

    def layer(key: PRNGKeyArray) -> Bijector:
        made = autoregressive(key, affine, features, context_features, fast, **net)
        return normalised(made, batch_norm)

    return Flow(base_law("maf", base, features), repeated(layer, key, layers, compiles_fast=True))
