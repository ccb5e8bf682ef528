"""What an audit says: one finding a line."""

import dataclasses
import math
from typing import Literal, NamedTuple

Verdict = Literal["pass", "look", "fail", "n/a"]


class Finding(NamedTuple):
    """One line of an audit.

    Attributes:
        name: of the check.
        verdict: "pass"; "look", where a person should judge; "fail"; "n/a", where the check does not apply.
        value: the number that was judged; NaN for "n/a".
        threshold: above which the verdict is no longer "pass"; NaN for "n/a".
        text: what was found, in words and units.
        advice: what to do, unless the verdict is "pass".
    """

    name: str
    verdict: Verdict
    value: float
    threshold: float
    text: str
    advice: str


class Speed(NamedTuple):
    """How long a direction of a law takes, measured after a first call that compiled it.

    Attributes:
        direction: "log_prob", "sample" or another method's name.
        rows: how many at once.
        seconds: the median of three calls.
    """

    direction: str
    rows: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Audit:
    """The findings about a law, and what was looked at.

    Attributes:
        findings: one for every check, in a fixed order.
        speeds: the directions that the law has, the fastest first.
        notes: what was left out or subsampled, one sentence each.
    """

    findings: tuple[Finding, ...]
    speeds: tuple[Speed, ...]
    notes: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all findings."""
        verdicts = {finding.verdict for finding in self.findings}
        return "fail" if "fail" in verdicts else "look" if "look" in verdicts else "pass"

    def __getitem__(self, name: str) -> Finding:
        """Return the finding of a name; KeyError if there is none."""
        return {finding.name: finding for finding in self.findings}[name]

    def __str__(self) -> str:
        """Return a table: verdict, name and text of every finding, with advice below those that do not pass."""
        width = max(len(finding.name) for finding in self.findings)
        lines = []
        for finding in self.findings:
            lines.append(f"{finding.verdict:<4}  {finding.name:<{width}}  {finding.text}")
            if finding.verdict in ("look", "fail"):
                lines.append(f"{'':<{width + 8}}-> {finding.advice}")
        lines += [""] if self.speeds else []
        for speed in self.speeds:
            lines.append(
                f"{speed.direction:<20}{speed.rows:>6} rows {speed.seconds * 1e3:>10.2f} ms"
                f"{speed.rows / max(speed.seconds, 1e-9):>14,.0f} rows/s"
            )
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def judged(name: str, value: float, look: float, fail: float, text: str, advice: str) -> Finding:
    """Return a finding whose value passes up to `look` and fails above `fail`, or if it is no number."""
    verdict: Verdict = "pass" if value <= look else "look" if value <= fail else "fail"
    if math.isnan(value):
        verdict = "fail"
    return Finding(name, verdict, value, look, text, "" if verdict == "pass" else advice)


def not_applicable(name: str, why: str) -> Finding:
    """Return the finding of a check that does not apply."""
    return Finding(name, "n/a", math.nan, math.nan, f"not applicable: {why}", "")
