"""The section on the audit: whether the fit is any good, line by line."""

from collections.abc import Sequence
from typing import Protocol

from .blocks import Block, Section, Text, Verdicts


class Finding(Protocol):
    """One line of an audit."""

    @property
    def name(self) -> str:
        """Of the check."""
        ...

    @property
    def verdict(self) -> str:
        """One of pass, look, fail, n/a."""
        ...

    @property
    def text(self) -> str:
        """What was found, with its number and unit."""
        ...

    @property
    def advice(self) -> str:
        """What to do, unless the verdict is pass."""
        ...


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
