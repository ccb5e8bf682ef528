"""What the recipes with an autoregressive law share."""

from typing import Any, Literal

from jaxtyping import PRNGKeyArray

from ..distributions import (
    ConditionalBernoulli,
    ConditionalCategorical,
    ConditionalLaw,
    ConditionalNormal,
)
from ..errors import ConfigError
from ..nets import MADE

LawName = Literal["normal", "bernoulli", "categorical"]


def conditional_law(who: str, name: str, values: int, bound: float) -> ConditionalLaw:
    """Return the law of an element that a recipe's `law` argument names, or raise a ConfigError."""
    laws = {
        "normal": lambda: ConditionalNormal(bound),
        "bernoulli": ConditionalBernoulli,
        "categorical": lambda: ConditionalCategorical(values),
    }
    if name not in laws:
        raise ConfigError(f"{who}: expected law {', '.join(laws)}, got {name!r}.")
    return laws[name]()


def masked_net(
    key: PRNGKeyArray, law: ConditionalLaw, features: int, context_features: int, **net: Any
) -> MADE:
    """Return a MADE of fitting sizes for an autoregressive law.

    Args:
        key: for the initial weights.
        law: the law of an element.
        features: size of an event.
        context_features: size of the context; 0 for none.
        **net: hidden and further arguments of the `MADE`.
    """
    return MADE(key, features, law.num_params, context_features=context_features, **net)
