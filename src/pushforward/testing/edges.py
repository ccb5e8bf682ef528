"""Checks at the edges: extreme numbers, their gradients, values outside the domain, and NaN."""

import warnings

import numpy as np

from ..errors import DomainError
from .points import to_rows
from .programs import DIRECTIONS, Direction
from .purity import plain
from .report import Finding, fail, skip, worst_finding
from .subject import GRADIENT_ROWS, Subject

_LARGEST = float(np.finfo(np.float32).max)


def edges_finite(subject: Subject) -> Finding:
    """In float32, outputs and log-determinants are finite at the extremes.

    An output may be infinite only where it is finite in float64, and too large for float32.
    """
    findings = []
    for direction in DIRECTIONS:
        events, places = subject.edges(direction)
        out, log_det = subject.values(direction, events, np.float32)
        excused = _too_large(subject, direction, events)
        bad_out = ~np.isfinite(out).reshape(len(events), -1).all(axis=1) & ~excused
        bad_log_det = ~np.isfinite(log_det).reshape(len(events), -1).all(axis=1) & ~excused
        for bad, what in ((bad_out, "the output"), (bad_log_det, "log_det")):
            if bad.any():
                findings.append(_located(bad, places, f"{direction}: {what} is not finite"))
    return worst_finding(findings)


def edge_gradients_finite(subject: Subject) -> Finding:
    """In float32, gradients with respect to x and to every parameter are finite at the extremes.

    They are those of a batch in which one row is extreme: a `where` behind a NaN branch gives good values,
    but it turns the gradients of the whole batch into NaN. Infinite is allowed only what float32 cannot
    hold.
    """
    findings = []
    for direction in DIRECTIONS:
        events, places = subject.edges(direction)
        excused = _too_large(subject, direction, events)
        bad, spoiled = np.zeros(len(events), bool), {}
        for index in np.flatnonzero(~excused):
            batch = to_rows(subject.events(direction), GRADIENT_ROWS).copy()
            batch[0] = events[index]
            names = _not_finite(subject, direction, batch)
            bad[index] = bool(names)
            spoiled |= dict.fromkeys(names)
        if bad.any():
            shown = ", ".join(list(spoiled)[:3]) + (
                f" and {len(spoiled) - 3} more" if len(spoiled) > 3 else ""
            )
            message = f"{direction}: the gradient with respect to {shown} is not finite"
            findings.append(_located(bad, places, message))
    return worst_finding(findings)


def _not_finite(subject: Subject, direction: Direction, batch: np.ndarray) -> list[str]:
    context = subject.contexts(len(batch))
    gradients = subject.gradients(direction, batch, np.float32, context)
    bad = {name: ~np.isfinite(value) for name, value in gradients.items()}
    bad = {name: where for name, where in bad.items() if where.any()}
    if not bad:
        return []
    exact = subject.gradients(direction, batch, np.float64, context)
    with np.errstate(invalid="ignore"):
        return [name for name, where in bad.items() if not _overflows(exact[name][where])]


def _overflows(values: np.ndarray) -> bool:
    """Whether float64 holds all of these numbers, and float32 none of them."""
    return bool((np.isfinite(values) & (np.abs(values) > _LARGEST)).all())


def domain(subject: Subject) -> Finding:
    """If declared: outside the domain a DomainError, or log_det = -inf from an explicit mask; never NaN."""
    findings = []
    for direction in DIRECTIONS:
        interval = subject.intervals[direction]
        if interval is None:
            continue
        for end, outward in zip(interval, (-1.0, 1.0), strict=True):
            if np.isfinite(end):
                for step in (1.0, 1e4):
                    findings.append(_outside(subject, direction, float(end + outward * step)))
    return worst_finding(findings) if findings else skip("every real number is in the declared domain.")


def _outside(subject: Subject, direction: Direction, number: float) -> Finding:
    event = subject.events(direction)[0].copy()
    event.reshape(-1)[0] = number
    try:
        out, log_det = plain(subject, direction, event)
    except DomainError:
        return Finding()
    where = f"first element = {number}"
    if np.isnan(out).any() or np.isnan(log_det).any():
        return fail(f"{direction} gives NaN outside the domain.", where)
    if not np.all(log_det == -np.inf):
        return fail(
            f"{direction} gives log_det {log_det} outside the domain, expected -inf or a DomainError.", where
        )
    return Finding()


def nan_stays_nan(subject: Subject) -> Finding:
    """NaN in an event comes out as NaN: nothing turns a defect into a number."""
    for direction in DIRECTIONS:
        events = subject.events(direction)[:1].copy()
        events.reshape(-1)[-1] = np.nan
        try:
            out, log_det = subject.values(direction, events, np.float32)
        except DomainError:
            continue
        if not (np.isnan(out).any() or np.isnan(log_det).any()):
            return fail(f"{direction} turns NaN in the last element into numbers.")
    return Finding()


def _too_large(subject: Subject, direction: Direction, events: np.ndarray) -> np.ndarray:
    """Rows whose output float64 can hold and float32 cannot."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        out = subject.values(direction, events, np.float64)[0]
        size = np.abs(out.reshape(len(events), -1)).max(axis=1, initial=0.0)
        return np.isfinite(size) & (size > _LARGEST)


def _located(bad: np.ndarray, places: list[str], message: str) -> Finding:
    count, total = int(bad.sum()), len(bad)
    return Finding(float(count), 0.0, places[int(np.argmax(bad))], f"{message} in {count} of {total} cases")
