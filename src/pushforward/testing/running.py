"""Running checks: each one apart, timed, its exceptions caught, the global state put back."""

import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ..errors import ConfigError
from .purity import restored
from .report import Finding, Report, Result, Status, fail
from .subject import precision


def run_check(name: str, check: Callable[[], Finding], expected: str | None = None) -> Result:
    """Run one check.

    Args:
        name: the check.
        check: gives a finding; whatever it raises counts as a failure.
        expected: why the check is expected to fail, or None; then passing counts as a failure.
    """
    start = time.perf_counter()
    with restored(), precision(np.float32), np.errstate(all="ignore"):
        try:
            finding = check()
        except Exception as error:  # one broken check must not hide the others
            finding = fail(f"raised {_told(error)}")
    status: Status = "skipped" if finding.skipped else "passed" if finding.ok else "failed"
    message = finding.message
    if expected is not None and status == "failed":
        status, message = "excused", f"{expected} ({message})"
    elif expected is not None and status == "passed":
        status, message = "failed", f"passed, but was expected to fail: {expected}"
    seconds = time.perf_counter() - start
    return Result(name, status, finding.worst, finding.bound, finding.where, message, seconds)


def run_checks(
    subject: str,
    checks: Iterable[tuple[str, Callable[[], Result]]],
    key: PRNGKeyArray,
) -> Report:
    """Run checks one after the other and collect their results."""
    seed = " ".join(str(number) for number in np.asarray(jax.random.key_data(key)).reshape(-1))
    return Report(subject, tuple(check() for _, check in checks), seed)


def chosen(
    known: Iterable[str], only: Iterable[str] | None, expected_failures: Mapping[str, str]
) -> list[str]:
    """Return the names to run, or raise a ConfigError if one given is not known."""
    known = list(known)
    for name in [*(only or ()), *expected_failures]:
        if name not in known:
            raise ConfigError(f"Unknown check {name!r}. Known: {', '.join(known)}.")
    return known if only is None else [name for name in known if name in set(only)]


def _told(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}{place}: {text[0] if text else ''}"
