"""The flow for tables of mixed columns: any recipe over the normal scores of what their cells hold."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import PRNGKeyArray

from ..bijectors import Bijector, Chain, Identity
from ..distributions import Dequantized, Flow, Recipe
from ..distributions.encoding import CodeFeatures, Encoder, read_cells
from ..errors import ConfigError
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
    return join_mixed(inner, placed, encoder, given, draws)


def join_mixed(
    inner: Flow,
    steps: Sequence[Bijector],
    encoder: Encoder,
    given: CodeFeatures | None,
    draws: int,
    recipe: Recipe | None = None,
) -> Flow:
    """Return the law of rows of codes that an inner flow over scores makes.

    Args:
        inner: the flow, which takes the features of the given columns as its context.
        steps: preprocessing of the scores, from data to base.
        encoder: of the columns.
        given: what becomes of the columns that are given; None if none are.
        draws: as in `Dequantized`.
        recipe: how the whole could be built.
    """
    scores = Flow(inner.base, Chain([inner.bijector, *reversed(steps)]), embedding=given)
    return Flow(Dequantized(scores, encoder, draws), Identity((encoder.columns,)), recipe)
