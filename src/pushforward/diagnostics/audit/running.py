"""audit: every check of a fitted law on rows of its table, each one apart."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray

from ...distributions.base import Distribution
from ...errors import ConfigError
from . import maps, rows, shape
from .findings import Audit, Finding, Speed, not_applicable
from .subject import NotApplicable, Subject

CHECKS: dict[str, Callable[[Subject], Finding]] = {
    "density": maps.density,
    "round trip": maps.round_trip,
    "log-det": maps.log_det,
    "draws": shape.draws,
    "range": rows.ranges,
    "spline tails": maps.tails,
    "base marginals": shape.marginals,
    "base correlations": shape.correlations,
    "base radii": shape.radii,
    "conditionals": shape.conditional_transforms,
    "two samples": rows.two_sample,
    "overfit": rows.overfit,
    "memorised": rows.memorised,
}
"""The checks by name, in the order in which they are reported; "speed" comes last."""


def audit(
    law: Distribution,
    rows: ArrayLike,
    *,
    training: ArrayLike | None = None,
    key: PRNGKeyArray,
    columns: Sequence[str] | None = None,
    context: ArrayLike | None = None,
    training_context: ArrayLike | None = None,
    only: Iterable[str] | None = None,
) -> Audit:
    """Ask of a fitted law whether it is any good, on rows of its table.

    Each check says "pass", "look" or "fail", with its number and what to do, or "n/a" where it does not apply: to a law
    without a base, without the training rows, and so on. Each is alone: one that raises is a failure of its own. What
    each demands and can find stands in the docstrings of `CHECKS`. Verdicts are by effect sizes, after the noise for so
    many rows is taken off: a right law passes all of them, but for chances of about 1e-4 a check, and a large table
    does not fail a good law for a significant trifle. With few rows little is found: the texts give the noise.

    At most 4096 rows, and 20,480 training rows, are looked at, chosen by the key. Most of the time of a first audit is
    compilation.

    Args:
        law: any distribution. Of a law whose `log_prob` is a bound, lines that compare densities judge the bound.
        rows: shape (n, *event_shape), n >= 2, finite; best not those that it was fitted to.
        training: rows that it was fitted to, for the lines on range, overfitting and memorising.
        key: for draws and subsampling.
        columns: names of the columns, for the texts.
        context: conditions of the rows, if the law takes any.
        training_context: conditions of the training rows.
        only: names of the checks to run; all if left out.

    Returns:
        The findings, times, and notes on what was subsampled.

    Raises:
        ShapeError: if rows, training rows or contexts do not fit the law, or a value is not finite.
        ConfigError: if a check's name is not known.

    Accuracy: each check passes right laws on their own draws and fails a law broken for it
        (tests/diagnostics/audit/test_running.py).
    """
    names = [*CHECKS, "speed"] if only is None else list(only)
    unknown = [name for name in names if name not in CHECKS and name != "speed"]
    if unknown:
        raise ConfigError(
            f"audit: expected checks among {', '.join([*CHECKS, 'speed'])}, got {unknown[0]!r}."
        )
    subject = Subject(law, rows, key, training, columns, context, training_context)
    with np.errstate(over="ignore"):
        findings = [_run(name, lambda name=name: CHECKS[name](subject)) for name in CHECKS if name in names]
    speeds: tuple[Speed, ...] = ()
    if "speed" in names:
        measured: list[tuple[Speed, ...]] = []
        findings.append(_run("speed", lambda: _timed(subject, measured)))
        speeds = measured[0] if measured else ()
    return Audit(tuple(findings), speeds, tuple(subject.notes))


def _timed(subject: Subject, measured: list[tuple[Speed, ...]]) -> Finding:
    finding, speeds = maps.speed(subject)
    measured.append(speeds)
    return finding


def _run(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except NotApplicable as why:
        return not_applicable(name, str(why))
    except Exception as error:  # one broken check must not hide the others
        text = f"raised {type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
        return Finding(name, "fail", float("nan"), float("nan"), text, "The check could not be carried out.")
