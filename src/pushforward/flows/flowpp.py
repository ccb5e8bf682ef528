"""Flow++: couplings by the logit of a mixture of logistic laws, with residual conditioners."""

import jax.random as jr
from jaxtyping import PRNGKeyArray

from ..bijectors import Bijector, Coupling, Elementwise, Invert, MixtureOfLogistics, alternating
from ..distributions.flow import Flow
from ..nets import ResidualMLP
from ..nets.mlp import Activation
from ._parts import alternated, base_law, check_sizes, context_shape, repeated, say_one_dimensional
from .registry import register


@register
def flowpp(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 8,
    hidden: int = 128,
    blocks: int = 2,
    components: int = 8,
    activation: Activation = "relu",
    dropout: float = 0.0,
    base: str = "normal",
) -> Flow:
    """Flow++ for vectors: couplings whose scalar map is the logit of a mixture's distribution function.

    From data to base, the elements at even and at odd places take turns: z_b = exp(a) * logit(F(x_b)) + b, with F a
    mixture of logistic laws, a and b given by the other half. A log-density takes one pass, a sample one pass with a
    search for every number. The paper's attention and its variational dequantisation are for images and are left out.

    Args:
        key: for the initial weights.
        features: size of an event. With one feature and no context it is a chain of free scalar maps.
        context_features: size of the context; 0 for none.
        layers: number of couplings.
        hidden: width of each residual conditioner.
        blocks: residual blocks of each conditioner.
        components: logistic laws in each mixture.
        activation: activation of the conditioners.
        dropout: dropout in the conditioners while training.
        base: "normal", "logistic" or "student_t".

    Returns:
        A Flow that starts near its base.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Ho et al. 2019, Flow++, arXiv:1902.00275, section 3.2.
    """
    check_sizes("flowpp", features=features, layers=layers, hidden=hidden, blocks=blocks)
    check_sizes("flowpp", least=0, context_features=context_features)
    scalar = MixtureOfLogistics(components)
    law = base_law("flowpp", base, features)
    if features == 1 and not context_features:
        say_one_dimensional("flowpp", "a chain of mixtures of logistics")
        return Flow(law, repeated(lambda key: Invert(_free(key, scalar)), key, layers))

    def layer(key: PRNGKeyArray, swap: bool) -> Bijector:
        mask = alternating(features, swap=swap)
        known = int(mask.sum())
        net = ResidualMLP(
            key,
            known,
            (features - known) * scalar.num_params,
            context_features=context_features,
            hidden=hidden,
            blocks=blocks,
            activation=activation,
            dropout=dropout,
        )
        return Invert(Coupling(scalar, net, mask, context_shape(context_features)))

    return Flow(law, alternated(layer, key, layers))


def _free(key: PRNGKeyArray, scalar: MixtureOfLogistics) -> Elementwise:
    return Elementwise(scalar, (1,), 0.1 * jr.normal(key, (1, scalar.num_params)))
