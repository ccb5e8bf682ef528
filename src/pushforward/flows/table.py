"""The flow for tables: fixed preprocessing learned from the training rows, then any recipe."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import PRNGKeyArray

from ..bijectors import LU, Bijector, Chain, Invert, Marginals
from ..distributions import ConditionalLaw, ContextScores, Flow, Recipe
from ..errors import ConfigError
from ._parts import check_sizes
from .registry import get, register

STEPS = ("marginals", "whitening")
"""The kinds of preprocessing: a spline for each feature to normal scores; a map to uncorrelated ones."""


@register
def table(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    flow: str = "nsf",
    options: dict[str, Any] | None = None,
    steps: tuple[str, ...] = ("marginals", "whitening", "marginals"),
    knots: int = 32,
    context_knots: int = 32,
) -> Flow:
    """Any recipe on preprocessed columns; its densities are in the data's own units.

    The preprocessing starts as a placeholder: marginals that are the identity on [-1, 1], and no whitening.
    `pushforward.data.preprocessing.learn` gives the steps that belong there, and `join` puts them in place.

    Args:
        key: for the initial weights of the inner flow.
        features: number of columns.
        context_features: size of the context; 0 for none.
        flow: name of the inner recipe.
        options: the inner recipe's keyword arguments, without the sizes of events and contexts.
        steps: kinds of preprocessing in the order from data to base.
        knots: knots of each column's marginal spline.
        context_knots: knots of the spline that brings each number of a context to its normal score.

    Returns:
        A Flow whose bijector is a Chain of the inner bijector and one bijector for each step; with a context, its
        embedding is `ContextScores`.

    Raises:
        ConfigError: if a size, a step, the inner recipe or one of its options does not fit, or if the inner flow is a
            law over whole numbers.
    """
    check_sizes("table", features=features)
    check_sizes("table", least=2, knots=knots, context_knots=context_knots)
    unknown = [step for step in steps if step not in STEPS]
    if unknown:
        raise ConfigError(f"table: expected steps among {', '.join(STEPS)}, got {unknown[0]!r}.")
    if flow == "table":
        raise ConfigError("table: expected another recipe as the inner flow, got 'table' itself.")
    sizes = {"features": features, "context_features": context_features}
    twice = sizes.keys() & (options or {}).keys()
    if twice:
        raise ConfigError(
            f"table: expected {min(twice)} as an argument of its own, got it among the options."
        )
    inner = get(flow)(key, **sizes, **(options or {}))
    check_continuous("table", inner)
    context = Marginals.identity(context_features, context_knots) if context_features else None
    return join(inner, [_step(step, features, knots) for step in steps], context)


def check_continuous(who: str, inner: Flow) -> None:
    """Raise a ConfigError if a flow is a law over whole numbers, which preprocessing would spread out."""
    law = getattr(inner.base, "law", None)
    if isinstance(law, ConditionalLaw) and law.values is not None:
        raise ConfigError(
            f"{who}: expected a law over real numbers inside, got one over the whole numbers 0 to {law.values - 1} "
            f"({type(law).__name__}): preprocessing would make its columns continuous. "
            "Build that flow in Python and train it with pushforward.fit."
        )


def join(
    inner: Flow, steps: Sequence[Bijector], context: Marginals | None = None, recipe: Recipe | None = None
) -> Flow:
    """Return the flow that puts preprocessing, given from data to base, on the data side of an inner flow.

    Args:
        inner: the flow of the preprocessed columns.
        steps: the preprocessing of events.
        context: what brings contexts to their normal scores, if there are any.
        recipe: how the whole could be built.
    """
    embedding = None if context is None else ContextScores(context)
    return Flow(inner.base, Chain([inner.bijector, *reversed(steps)]), recipe, embedding)


def _step(kind: str, features: int, knots: int) -> Bijector:
    # Inverted, so that the direction from data to base multiplies and the rarer one solves.
    return Marginals.identity(features, knots) if kind == "marginals" else Invert(LU(features))
