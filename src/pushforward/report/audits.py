"""The section on the audit: whether the fit is any good, line by line."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..diagnostics import Finding, audit
from ..diagnostics.audit import CHECKS, support
from ..tables import points_of
from .blocks import Block, Section, Text, Verdicts
from .subject import Rows, Subject


class Audited(NamedTuple):
    """The findings, and what was looked at, one sentence each."""

    findings: Sequence[Finding]
    notes: Sequence[str]


def audit_of(subject: Subject) -> Audited:
    """Audit the law of rows, or that of their normal scores where columns are more than real numbers.

    Times are left out: no two runs would give the same page.
    """
    rows = points_of(subject.model, *_chosen(subject.rows), subject.key(3))
    known = None
    if subject.training is not None:
        known = points_of(subject.model, *_chosen(subject.training), subject.key(4))
    notes = []
    if rows.law is not subject.model.flow:
        notes.append(
            "Columns are not all real numbers: the audit looks at the flow over their normal scores, one point of each "
            "row's box, as the training did. Units are deviations of scores."
        )
    found = audit(
        rows.law,
        rows.points,
        training=None if known is None else known.points,
        key=subject.key(5),
        columns=rows.names,
        context=rows.context,
        training_context=None if known is None else known.context,
        only=list(CHECKS),
    )
    return Audited((support(subject.rows.possible), *found.findings), [*notes, *found.notes])


def _chosen(rows: Rows) -> tuple[np.ndarray, np.ndarray | None]:
    return rows.some(np.flatnonzero(rows.possible))


def audited(findings: Sequence[Finding], notes: Sequence[str] = ()) -> Section:
    """Return the section of some findings."""
    applied = [finding for finding in findings if finding.verdict != "n/a"]
    rest = [finding for finding in findings if finding.verdict == "n/a"]
    blocks: list[Block] = [
        Text(
            f"{counted(findings)}. Verdicts are by the size of what is found, after the noise of so many "
            "rows is taken off."
        ),
        Verdicts([(finding.verdict, finding.name, finding.text, finding.advice) for finding in applied]),
    ]
    blocks += [Text(note) for note in notes]
    blocks += [Text(f"{finding.name}: {finding.text}") for finding in rest]
    return Section("audit", "The audit", blocks)


def counted(findings: Sequence[Finding]) -> str:
    """Return how many findings there are of each verdict."""
    counts = {name: sum(finding.verdict == name for finding in findings) for name in ("pass", "look", "fail")}
    return f"{counts['pass']} pass, {counts['look']} to look at, {counts['fail']} fail"
