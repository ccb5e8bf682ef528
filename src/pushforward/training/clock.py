"""The clock of a run: how long a step takes, how many fit, and how far the schedule is."""

import time
from collections.abc import Callable

_SLICE_SECONDS = 0.3
_SLICE_SHARE = 0.01
_SMALLEST_SLICE = 0.01
_STEPS_WORTH_A_SLICE, _MOST_SECONDS, _MOST_OF_THE_REST = 4, 2.0, 0.1


class Clock:
    """Measures a run, and with `max_seconds` says how many steps still fit.

    A slice is the run of steps between two looks of the host. It is short, about 0.3 s or a hundredth of the
    time allowed, so that Ctrl-C, the progress bar and the time limit are answered soon. Slow steps come four at
    once, for up to 2 s: each slice begins with a copy of the state, with which steps of 17 million parameters, one
    at a time, took 1.2 times as long.
    Its length changes which steps the host looks at, and nothing about the steps.

    Args:
        max_seconds: the time allowed, from the start of the run, compilation included; None for no limit.
        now: the time in seconds, from any origin.
    """

    def __init__(
        self, max_seconds: float | None = None, now: Callable[[], float] = time.perf_counter
    ) -> None:
        self._now = now
        self._start = now()
        self._max_seconds = max_seconds
        self.limited = max_seconds is not None
        self._step_seconds: float | None = None
        self._check_seconds = 0.0
        self._first = 0.0
        self._in_steps = 0.0

    def credit(self, seconds: float) -> None:
        """Count seconds that the run had used before it was resumed."""
        self._start -= seconds

    def elapsed(self) -> float:
        """Seconds since the start of the run."""
        return self._now() - self._start

    def left(self) -> float:
        """Seconds left for steps: a last check must still fit."""
        if self._max_seconds is None:
            return float("inf")
        return self._max_seconds - self._check_seconds - self.elapsed()

    def saw_steps(self, steps: int, seconds: float) -> None:
        """Learn how long a step takes; recent slices count most."""
        if steps <= 0:
            return
        new = seconds / steps
        if self._step_seconds is None:
            self._step_seconds, self._first = new, self.elapsed() - seconds
        else:
            self._step_seconds = 0.5 * (self._step_seconds + new)
        self._in_steps += seconds

    def saw_check(self, seconds: float) -> None:
        """Learn how long a check takes."""
        self._check_seconds = seconds

    def is_over(self) -> bool:
        """Whether the time left is less than half a step."""
        return self.left() < 0.5 * (self._step_seconds or 0.0)

    def slice_steps(self, most: int) -> int:
        """Return how many steps to take before the host looks again, from 1 to `most`."""
        if self._step_seconds is None:
            return 1
        share = float("inf") if self._max_seconds is None else _SLICE_SHARE * self._max_seconds
        left = max(self.left(), 0.0)
        several = min(_STEPS_WORTH_A_SLICE * self._step_seconds, _MOST_SECONDS, _MOST_OF_THE_REST * left)
        target = min(max(min(_SLICE_SECONDS, share), _SMALLEST_SLICE, several), left)
        return min(max(int(target / max(self._step_seconds, 1e-9)), 1), most)

    def advance(self, progress: float, steps: int) -> float:
        """Return the progress in time after `steps` more steps, if steps go on taking as long as they did.

        The rest of the progress is spread over the rest of the time, so it is 1 when the time is over,
        however wrong the prediction was before.
        """
        if self._max_seconds is None:
            return progress
        # Checks take a share of the time too; without it the schedule would lag behind and jump at the end.
        share = (self.elapsed() - self._first) / self._in_steps if self._in_steps > 0 else 1.0
        ahead = steps * (self._step_seconds or 0.0) * max(share, 1.0)
        left = max(self.left(), ahead)
        return progress + (1 - progress) * (ahead / left if left > 0 else 1.0)

    def seconds_left(self, steps: int | None) -> float | None:
        """Return the seconds until the run ends at the latest: by its time, or after so many more steps."""
        limits = []
        if self._max_seconds is not None:
            limits.append(max(self._max_seconds - self.elapsed(), 0.0))
        if steps is not None and self._step_seconds is not None:
            limits.append(steps * self._step_seconds)
        return min(limits) if limits else None
