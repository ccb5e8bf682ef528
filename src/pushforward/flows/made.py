"""MADE as a density of its own: one masked network that gives every element's law from those before it."""

from typing import Literal

from jaxtyping import PRNGKeyArray

from ..bijectors import Identity
from ..distributions import AutoregressiveEnsemble, AutoregressiveLaw, Flow
from ..errors import ConfigError
from ..nets.masked import Order
from ..nets.mlp import Activation
from ..numerics.quick import split
from ._laws import LawName, conditional_law, masked_net
from ._parts import check_hidden, check_sizes, context_shape
from .registry import register

Agnostic = Literal["both", "order", "connectivity"]


@register
def made(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    law: LawName = "normal",
    values: int = 2,
    hidden: tuple[int, ...] = (128, 128),
    activation: Activation = "relu",
    dropout: float = 0.0,
    order: Order = "sequential",
    residual: bool = False,
    direct: bool = False,
    bound: float = 5.0,
    ensemble: int = 1,
    agnostic: Agnostic = "both",
    fresh: bool = False,
) -> Flow:
    """MADE: each element's law has parameters from a masked network that sees the elements before it.

    The flow's base is the law itself, an `AutoregressiveLaw` or, with an ensemble, an `AutoregressiveEnsemble`; its
    bijector is the identity. Over whole numbers `log_prob` is a log-probability. Whole numbers are not for tables
    (`pushforward fit`, `fit_table`), which make columns continuous first: train such a flow with `pushforward.fit`.

    Args:
        key: for the initial weights, a random order and an ensemble's masks.
        features: size of an event.
        context_features: size of the context; 0 for none.
        law: the law of an element: "normal"; "bernoulli" over 0 and 1, the paper's; "categorical" over 0 to values - 1.
        values: how many values an element has if categorical.
        hidden: hidden layers of the network.
        activation: its activation.
        dropout: its dropout while training.
        order: order of the elements: "sequential", "reversed" or "random".
        residual: residual blocks of the widths in `hidden`, all equal.
        direct: direct connections from the elements to the output.
        bound: bound of the normal law's log-scale.
        ensemble: members of an ensemble over masks; 1 for a single network. A log-density then takes as many passes, a
            training step still one.
        agnostic: what an ensemble's members differ in: "order", "connectivity" or "both".
        fresh: whether a training step draws new masks rather than an ensemble's member.

    Returns:
        A Flow that starts as a standard normal law, or with all values alike.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Germain et al. 2015, MADE: Masked Autoencoder for Distribution Estimation, arXiv:1502.03509; with normal
        laws Papamakarios et al. 2017, arXiv:1705.07057, section 3.1.
    """
    check_sizes("made", features=features, ensemble=ensemble)
    check_sizes("made", least=0, context_features=context_features)
    check_hidden("made", hidden)
    if agnostic not in ("both", "order", "connectivity"):
        raise ConfigError(f"made: expected agnostic both, order or connectivity, got {agnostic!r}.")
    if fresh and ensemble == 1:
        raise ConfigError(
            "made: expected an ensemble of several members with fresh=True, got ensemble=1. "
            "Give ensemble the number of members to evaluate with."
        )
    of_weights, of_masks = split(key)
    conditional, shape = conditional_law("made", law, values, bound), context_shape(context_features)
    options = {"hidden": hidden, "activation": activation, "dropout": dropout, "order": order}
    options |= {"residual": residual, "direct": direct}
    net = masked_net(of_weights, conditional, features, context_features, **options)
    if ensemble == 1:
        return Flow(AutoregressiveLaw(conditional, net, shape), Identity((features,)))
    differ = {"order": agnostic != "connectivity", "connectivity": agnostic != "order"}
    base = AutoregressiveEnsemble(of_masks, conditional, net, shape, members=ensemble, fresh=fresh, **differ)
    return Flow(base, Identity((features,)))
