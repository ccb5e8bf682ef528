"""What a running fit shows: a progress bar, a callable of the user's, or nothing."""

import contextlib
from collections.abc import Callable
from typing import Any, Protocol, Self

from ..errors import ConfigError
from .history import Check


class Display(Protocol):
    """What the training loop tells."""

    def __enter__(self) -> Self:
        """Start showing."""
        ...

    def __exit__(self, *error: Any) -> None:
        """Stop showing, whatever happened."""
        ...

    def moved(self, progress: float, epoch: float, seconds_left: float | None) -> None:
        """Show how far the run is, `progress` in [0, 1]; called a few times a second."""
        ...

    def checked(self, check: Check) -> None:
        """Show the numbers of a check."""
        ...

    def went_back(self, message: str) -> None:
        """Say that the guard took the run back."""
        ...


class Silent(contextlib.AbstractContextManager):
    """Shows nothing."""

    def __exit__(self, *error: Any) -> None:
        """Do nothing."""

    def moved(self, progress: float, epoch: float, seconds_left: float | None) -> None:
        """Do nothing."""

    def checked(self, check: Check) -> None:
        """Do nothing."""

    def went_back(self, message: str) -> None:
        """Do nothing."""


class Calling(contextlib.AbstractContextManager):
    """Hands every check to a callable of the user's."""

    def __init__(self, function: Callable[[Check], Any]) -> None:
        self._function = function

    def __exit__(self, *error: Any) -> None:
        """Do nothing."""

    def moved(self, progress: float, epoch: float, seconds_left: float | None) -> None:
        """Do nothing."""

    def checked(self, check: Check) -> None:
        """Call the function."""
        self._function(check)

    def went_back(self, message: str) -> None:
        """Do nothing; the next check's `retries` says it."""


class Bar(contextlib.AbstractContextManager):
    """A progress bar on standard error: epoch, losses, the best one, rate, and the time left.

    Args:
        console: a `rich.console.Console`.
    """

    def __init__(self, console: Any) -> None:
        # Imported here: `import pushforward` must not pull rich in.
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        columns = (
            TextColumn("epoch {task.fields[epoch]:.4g}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[losses]}"),
            TextColumn("{task.fields[left]}"),
        )
        self._progress = Progress(*columns, console=console, refresh_per_second=4)
        self._task = self._progress.add_task("fit", total=1.0, epoch=0.0, losses="compiling", left="")

    def __enter__(self) -> Self:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(self, *error: Any) -> None:
        """Leave the last state of the bar standing."""
        self._progress.stop()

    def moved(self, progress: float, epoch: float, seconds_left: float | None) -> None:
        """Move the bar."""
        left = "" if seconds_left is None else f"{_clock(seconds_left)} left"
        self._progress.update(self._task, completed=progress, epoch=epoch, left=left)

    def checked(self, check: Check) -> None:
        """Write the losses behind the bar."""
        parts = [f"train {check.train_loss:.3f}"]
        if check.validation_loss is not None and check.best_validation_loss is not None:
            parts.append(f"validation {check.validation_loss:.3f} (best {check.best_validation_loss:.3f})")
        losses = f"{' · '.join(parts)} nats · rate {check.learning_rate:.1e}"
        self._progress.update(self._task, epoch=check.epoch, losses=losses)

    def went_back(self, message: str) -> None:
        """Write a line above the bar."""
        self._progress.console.print(message, highlight=False)


def display(progress: bool | Callable[[Check], Any]) -> Display:
    """Return what shows the progress.

    Args:
        progress: True for a bar if standard error is a terminal or a notebook, and nothing otherwise; False
            for nothing; or a callable that receives every `Check`.

    Raises:
        ConfigError: if it is none of these.
    """
    if progress is False:
        return Silent()
    if progress is True:
        from rich.console import Console

        console = Console(stderr=True)
        return Bar(console) if console.is_terminal or console.is_jupyter else Silent()
    if not callable(progress):
        raise ConfigError(f"fit: expected progress to be True, False or a callable, got {progress!r}.")
    return Calling(progress)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
