"""MADE with mixtures of normals: an autoregressive density that may have several modes in every element."""

from jaxtyping import PRNGKeyArray

from ..bijectors import Identity
from ..distributions import AutoregressiveLaw, ConditionalMixture, Flow
from ..nets.masked import Order
from ..nets.mlp import Activation
from ._laws import masked_net
from ._parts import check_hidden, check_sizes, context_shape
from .registry import register


@register
def made_mog(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    components: int = 10,
    hidden: tuple[int, ...] = (128, 128),
    activation: Activation = "relu",
    dropout: float = 0.0,
    order: Order = "sequential",
    residual: bool = False,
    direct: bool = False,
    bound: float = 5.0,
) -> Flow:
    """MADE MoG: each element is a mixture of normals, its parameters from a masked network of those before it.

    The flow's base is the law itself; its bijector is the identity.

    Args:
        key: for the initial weights, and a random order.
        features: size of an event.
        context_features: size of the context; 0 for none.
        components: normals of each mixture, the paper's C.
        hidden: hidden layers of the network.
        activation: its activation.
        dropout: its dropout while training.
        order: order of the elements: "sequential", "reversed" or "random".
        residual: residual blocks of the widths in `hidden`, all equal.
        direct: direct connections from the elements to the output.
        bound: bound of the change of each log-scale.

    Returns:
        A Flow that starts as nearly a standard normal law, its components spread out.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Papamakarios et al. 2017, Masked Autoregressive Flow, arXiv:1705.07057, section 4.1: MADE MoG, C = 10.
    """
    check_sizes("made_mog", features=features, components=components)
    check_sizes("made_mog", least=0, context_features=context_features)
    check_hidden("made_mog", hidden)
    net = {"hidden": hidden, "activation": activation, "dropout": dropout, "order": order}
    net |= {"residual": residual, "direct": direct}
    law = ConditionalMixture(components, bound)
    made = masked_net(key, law, features, context_features, **net)
    return Flow(AutoregressiveLaw(law, made, context_shape(context_features)), Identity((features,)))
