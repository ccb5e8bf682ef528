"""What the checks say: findings, results, the report, and the error that carries it."""

import dataclasses
from collections.abc import Iterator
from typing import Literal

import numpy as np

from ..errors import PushforwardError

Status = Literal["passed", "failed", "skipped", "excused"]


class CheckFailed(PushforwardError, AssertionError):
    """Raised when an object fails checks of the test kit; its message is the report of all of them."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """What one look of a check saw.

    Attributes:
        worst: the largest violation met, in the check's own units.
        bound: what `worst` may be at most.
        where: the place of the worst value, for people.
        message: what it means, for people.
        skipped: the check does not apply to this object; the message says why.
    """

    worst: float = 0.0
    bound: float = 0.0
    where: str = ""
    message: str = ""
    skipped: bool = False

    @property
    def ok(self) -> bool:
        """Whether the bound holds; NaN never does."""
        return self.skipped or bool(self.worst <= self.bound)


@dataclasses.dataclass(frozen=True)
class Result:
    """The outcome of one check.

    Attributes:
        name: the check.
        status: passed, failed, skipped (does not apply), or excused (failed as expected).
        worst: the largest violation met; compare with `bound`.
        bound: what `worst` may be at most.
        where: the place of the worst value.
        message: why it failed, was skipped or excused; what was measured if it passed.
        seconds: wall time.
    """

    name: str
    status: Status
    worst: float
    bound: float
    where: str
    message: str
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """True unless the check failed."""
        return self.status != "failed"

    def __str__(self) -> str:
        text = f"{self.status:8}{self.name}"
        if self.status in ("failed", "excused") and not (self.worst == 0 and self.bound == 0):
            text += f": {self.worst:.3g} > {self.bound:.3g}"
        if self.where:
            text += f" at {self.where}"
        return f"{text}: {self.message}" if self.message else text


@dataclasses.dataclass(frozen=True)
class Report:
    """The outcome of all checks of one object.

    Attributes:
        subject: the object, as text.
        results: one per check, in the order in which they ran.
        seed: the key's data, with which the run can be repeated.
    """

    subject: str
    results: tuple[Result, ...]
    seed: str = ""

    @property
    def ok(self) -> bool:
        """True unless a check failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Result, ...]:
        """The results that failed."""
        return tuple(result for result in self.results if not result.ok)

    def raise_if_failed(self) -> None:
        """Raise the report as a `CheckFailed`, unless every check passed, was skipped or excused."""
        if not self.ok:
            raise CheckFailed(f"{len(self.failures)} of {len(self.results)} checks failed.\n{self}")

    def __getitem__(self, name: str) -> Result:
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(f"No check {name!r}. There are: {', '.join(result.name for result in self.results)}.")

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __str__(self) -> str:
        lines = [f"{self.subject} (key {self.seed})", *(f"  {result}" for result in self.results)]
        return "\n".join(lines)


def skip(reason: str) -> Finding:
    """A finding that says why the check does not apply."""
    return Finding(message=reason, skipped=True)


def fail(message: str, where: str = "") -> Finding:
    """A finding that fails without a number."""
    return Finding(worst=1.0, bound=0.0, where=where, message=message)


def worst_of(
    error: np.ndarray, bound: np.ndarray | float, places: list[str] | None = None, message: str = ""
) -> Finding:
    """Return the row that exceeds its bound most, or comes nearest to it.

    Args:
        error: non-negative errors, shape (rows, ...); NaN counts as infinite.
        bound: what each may be, broadcast against `error`.
        places: a description of every row.
        message: what the error measures.
    """
    error = np.asarray(error, dtype=np.float64)
    if error.size == 0:
        return Finding(message=message)
    error = np.where(np.isnan(error), np.inf, error)
    limits = np.broadcast_to(np.asarray(bound, dtype=np.float64), error.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(limits > 0, error / limits, np.where(error > 0, np.inf, 0.0))
    index = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    where = places[index[0]] if places and index else ""
    return Finding(float(error[index]), float(limits[index]), where, message)


def worst_finding(findings: list[Finding]) -> Finding:
    """Join the findings of one check: a failed one before a passed one, all messages of failures kept."""
    looked = [finding for finding in findings if not finding.skipped]
    if not looked:
        return findings[0] if findings else Finding()
    failed = [finding for finding in looked if not finding.ok]
    if failed:
        messages = dict.fromkeys(finding.message for finding in failed)
        return dataclasses.replace(failed[0], message="; ".join(messages))
    return max(looked, key=_closeness)


def _closeness(finding: Finding) -> float:
    return finding.worst / finding.bound if finding.bound > 0 else 0.0
