"""The report as a whole: its sections in order, and the numbers on top."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..diagnostics import Finding
from ..io.metadata import library_version
from .audits import audit_of, audited, counted
from .blocks import Page, Section
from .columns import marginals
from .commands import commands
from .fitted import fitted
from .likelihood import Likelihoods, compare_laws, likelihood
from .page import render
from .pairs import pairs, strongest
from .stages import stages
from .subject import Subject
from .words import nats
from .worst import worst


class Report(NamedTuple):
    """A report and its main numbers.

    Attributes:
        html: the page.
        likelihoods: of the model and of the simpler laws.
        findings: of the audit.
    """

    html: str
    likelihoods: Likelihoods
    findings: Sequence[Finding]


def build_report(subject: Subject, *, step: Callable[[str], None] = lambda text: None) -> Report:
    """Make the page about a model and rows of a table.

    The same subject gives the same bytes.

    Args:
        subject: what `gather` read.
        step: is told what comes next.
    """
    step("the likelihood, and simpler laws")
    found = compare_laws(subject)
    sections = [fitted(subject), likelihood(subject, found)]
    step("columns and pairs")
    dependent = strongest(subject)
    sections += [marginals(subject), pairs(subject, dependent)]
    step("the flow's stages")
    sections.append(stages(subject, dependent))
    step("the least likely rows")
    sections.append(worst(subject))
    step("the audit")
    findings, notes = audit_of(subject)
    sections += [audited(findings, notes), commands(subject)]
    return Report(render(_page(subject, found, findings, sections)), found, findings)


def _page(
    subject: Subject, found: Likelihoods, findings: Sequence[Finding], sections: Sequence[Section]
) -> Page:
    rows, model = subject.rows, subject.model
    looked = (
        ""
        if len(rows.codes) + rows.left_out == rows.total
        else f", of which {len(rows.codes):,} were looked at, evenly spaced"
    )
    gaps = f"; {rows.left_out:,} with missing values were left out" if rows.left_out else ""
    given = f" given {', '.join(model.given)}" if model.given else ""
    lead = (
        f"The law of {len(model.columns)} column{'s' * (len(model.columns) > 1)}{given}, in "
        f"{subject.path}, on {rows.total:,} rows of {rows.name}{looked}{gaps}."
    )
    tiles = [
        ("rows of the table", f"{rows.total:,}", f"{len(rows.codes):,} looked at"),
        (
            "columns",
            str(len(model.columns)),
            f"and {len(model.given)} given" if model.given else "all modelled together",
        ),
        ("mean log_prob", nats(found.mean), f"nats a row, \N{PLUS-MINUS SIGN} {found.error:.3f}"),
    ]
    if found.best is not None:
        tiles.append(
            (
                f"gain over the {found.best.baseline.name}",
                nats(found.best.gain),
                "nats a row, the best of the simpler laws",
            )
        )
    if findings:
        tiles.append(("audit", _verdict(findings), counted(findings)))
    return Page(f"Report on {_name(subject.path)}", lead, tiles, sections, library_version())


def _verdict(findings: Sequence[Finding]) -> str:
    verdicts = {finding.verdict for finding in findings}
    return next((name for name in ("fail", "look") if name in verdicts), "pass")


def _name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]
