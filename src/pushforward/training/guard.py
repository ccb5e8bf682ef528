"""The guard against losses that are not finite: where to go back to, and when to give up."""

from .record import Record
from .step import Span, TrainState

TRIES = 8


class Fault(Exception):
    """A step met a loss or gradient that is not finite. It never leaves this room.

    Attributes:
        step: the number of the step, counted from 0.
        loss: its loss.
        norm: the norm of its gradient.
        before: the state before the slice of the step.
        span: that slice.
    """

    def __init__(self, step: int, loss: float, norm: float, before: TrainState, span: Span) -> None:
        super().__init__(step, loss, norm)
        self.step, self.loss, self.norm = step, loss, norm
        self.before, self.span = before, span


class Guard:
    """Remembers the last two checks, and counts the tries.

    The first half of the tries starts from the last check. If that does not help, the parameters were on
    their way out already when the check was made, so the other half starts from the check before. Checks,
    unlike slices, are where they are whatever the time, so a run with faults is reproducible too.

    Args:
        record: where the run starts.

    Attributes:
        tries: faults since the run last came past the furthest of them.
    """

    def __init__(self, record: Record) -> None:
        self._anchors = [record]
        self._furthest = -1
        self.tries = 0

    def passed(self, record: Record) -> None:
        """Take note of a check."""
        if record.step > self._furthest:
            self.tries = 0
        before = [anchor for anchor in self._anchors if anchor.step < record.step]
        self._anchors = [*before[-1:], record]

    def retreat(self, fault: Fault) -> Record | None:
        """Return the record to go on from, or None if it was tried often enough."""
        self.tries += 1
        self._furthest = max(self._furthest, fault.step)
        if self.tries > TRIES:
            return None
        return self._anchors[-1] if self.tries <= TRIES // 2 else self._anchors[0]
