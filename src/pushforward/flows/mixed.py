"""The flow for tables of mixed columns: any recipe over the normal scores of what their cells hold."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.random as jr
from jaxtyping import PRNGKeyArray

from ..bijectors import Bijector, Chain, Identity
from ..distributions import Dequantized, Flow, Recipe
from ..distributions.encoding import CodeFeatures, Encoder, read_cells
from ..errors import ConfigError
from ..nets import MLP
from ._parts import check_sizes
from .registry import get, register
from .table import check_continuous, check_steps, step_structure


@register
def mixed(
    key: PRNGKeyArray,
    *,
    columns: tuple[Mapping[str, Any], ...],
    context: tuple[Mapping[str, Any], ...] = (),
    flow: str = "nsf",
    options: dict[str, Any] | None = None,
    steps: tuple[str, ...] = (),
    knots: int = 32,
    context_knots: int = 32,
    draws: int = 16,
    dequantizer_hidden: tuple[int, ...] = (),
) -> Flow:
    """Any recipe over rows of continuous, discrete, partly discrete, missing and circular columns.

    The flow starts as a structure: its splines are the identity and its levels all alike. `pushforward.fit_mixed`
    learns them from rows.

    Args:
        key: for the initial weights of the inner flow.
        columns: what each column holds, the fields of `distributions.encoding.Cells`.
        context: the same for the columns that are given; empty for none.
        flow: name of the inner recipe.
        options: the inner recipe's keyword arguments, without the sizes of events and contexts.
        steps: preprocessing of the scores, in the order from data to base, as in `table`.
        knots: of the splines of the columns, and of those among the steps.
        context_knots: of the splines of the given columns.
        draws: how many points of a row's box a log-density looks at.
        dequantizer_hidden: hidden layers of the network that learns where in their boxes points are drawn; empty for
            none.

    Returns:
        A Flow whose base is a `Dequantized` law and whose bijector is the identity; its events are rows of codes.

    Raises:
        ConfigError: if a column, a size, a step, the inner recipe or one of its options does not fit, or if the inner
            flow is a law over whole numbers.

    Reference: `Dequantized`.
    """
    check_sizes("mixed", least=2, knots=knots, context_knots=context_knots)
    check_sizes("mixed", draws=draws)
    if not columns:
        raise ConfigError("mixed: expected at least one column, got none.")
    if flow in ("table", "mixed"):
        raise ConfigError(f"mixed: expected a recipe for numbers as the inner flow, got {flow!r}.")
    check_steps("mixed", steps)
    encoder = Encoder.blank(read_cells("mixed", columns), knots)
    given = CodeFeatures(Encoder.blank(read_cells("mixed", context), context_knots)) if context else None
    sizes = {"features": encoder.features, "context_features": 0 if given is None else given.out_shape[0]}
    inner = get(flow)(key, **sizes, **(options or {}))
    check_continuous("mixed", inner)
    placed = [step_structure(step, encoder.features, knots) for step in steps]
    net = dequantizer(jr.fold_in(key, 1), encoder.features, dequantizer_hidden)
    return join_mixed(inner, placed, encoder, given, draws, net)


def dequantizer(key: PRNGKeyArray, features: int, hidden: tuple[int, ...]) -> MLP | None:
    """Return the network that learns where in their boxes points are drawn; None without hidden layers."""
    return MLP(key, features, 2 * features, hidden=hidden) if hidden else None


def join_mixed(
    inner: Flow,
    steps: Sequence[Bijector],
    encoder: Encoder,
    given: CodeFeatures | None,
    draws: int,
    net: MLP | None = None,
    recipe: Recipe | None = None,
) -> Flow:
    """Return the law of rows of codes that an inner flow over scores makes.

    Args:
        inner: the flow, which takes the features of the given columns as its context.
        steps: preprocessing of the scores, from data to base.
        encoder: of the columns.
        given: what becomes of the columns that are given; None if none are.
        draws: as in `Dequantized`.
        net: its dequantizer.
        recipe: how the whole could be built.
    """
    scores = Flow(inner.base, Chain([inner.bijector, *reversed(steps)]), embedding=given)
    return Flow(Dequantized(scores, encoder, draws, net), Identity((encoder.columns,)), recipe)
