"""Checks of laws over whole numbers: all probabilities are summed, and draws are counted."""

import numpy as np

from .law import LawSubject
from .report import Finding, skip, worst_of
from .statistics import count_excess

MOST_STATES = 2**14
"""The most events whose probabilities are computed one by one."""


def total(subject: LawSubject) -> Finding:
    """The probabilities of all events sum to one, to 1e-6 in float64."""
    if _count(subject) > MOST_STATES:
        return skip(f"{_count(subject)} events are too many to sum over.")
    value = float(_probabilities(subject).sum())
    return Finding(abs(value - 1), 1e-6, "", f"the probabilities sum to {value:.9f}")


def frequencies(subject: LawSubject, false_fail: float) -> Finding:
    """Every event, and every value of every element, comes up among the draws as often as its probability says.

    Args:
        subject: the law.
        false_fail: how often a correct law fails, at most; shared among all counts.
    """
    if _count(subject) > MOST_STATES:
        return skip(f"{_count(subject)} events are too many to count.")
    events, probabilities = _events(subject), _probabilities(subject)
    drawn = subject.draws.x.reshape(-1, subject.features)
    ways = subject.values ** np.arange(subject.features)[::-1]
    counts = np.bincount((drawn @ ways).astype(int), minlength=len(events))[: len(events)]
    chances, seen, places = [*probabilities], [*counts], [f"event {event}" for event in events]
    for element in range(subject.features):
        for value in range(subject.values or 0):
            here = events[:, element] == value
            chances.append(probabilities[here].sum())
            seen.append(counts[here].sum())
            places.append(f"element {element} = {value}")
    excess = np.array(
        [
            count_excess(int(k), len(drawn), min(max(p - 1e-9, 0.0), 1.0), min(p + 1e-9, 1.0))
            for k, p in zip(seen, chances, strict=True)
        ]
    )
    bound = np.log(2 * len(excess) / false_fail)
    message = f"-log of the chance of such a count among {len(drawn)} draws"
    return worst_of(excess, np.full(len(excess), bound), places, message)


def _count(subject: LawSubject) -> int:
    return (subject.values or 0) ** subject.features


def _events(subject: LawSubject) -> np.ndarray:
    """All events, the last element changing fastest, shape (values^features, features)."""
    return np.indices((subject.values,) * subject.features).reshape(subject.features, -1).T


def _probabilities(subject: LawSubject) -> np.ndarray:
    """Their probabilities under the first context; computed once per subject."""
    shape = (-1, *subject.original.event_shape)
    return subject.once(
        "probabilities",
        lambda: np.exp(subject.log_prob(_events(subject).reshape(shape).astype(np.float64))),
    )
