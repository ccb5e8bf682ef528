"""What commands say, and where: results on standard output, everything else on standard error."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import typer


class Advance(Protocol):
    """Moves a progress bar."""

    def __call__(self, rows: int) -> None:
        """Count so many rows more."""
        ...


class Terminal:
    """The voice of one command.

    Args:
        quiet: say nothing but errors and what was asked for.
        as_json: give the result as one JSON object.
    """

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self.quiet = quiet
        self._as_json = as_json

    def notes(self, notes: Iterable[str]) -> None:
        """Say what the user should know, one line each."""
        if not self.quiet:
            for note in notes:
                typer.echo(f"note: {note}", err=True)

    def warn(self, text: str) -> None:
        """Say what the user must know, even if quiet."""
        typer.echo(f"pushforward: {text}", err=True)

    def summary(self, values: Mapping[str, Any], text: str) -> None:
        """Give what a command found on its way to writing a file; if quiet only as JSON."""
        if self._as_json or not self.quiet:
            self.result(values, text)

    def result(self, values: Mapping[str, Any], text: str) -> None:
        """Give what the command was called for."""
        if self._as_json:
            # NaN is no JSON; null says that there is no number.
            typer.echo(json.dumps(_plain(values), ensure_ascii=False, allow_nan=False))
        else:
            typer.echo(text)

    @contextmanager
    def counting(self, what: str, total: int | None = None) -> Iterator[Advance]:
        """Show a progress bar of rows on standard error, if that is a terminal and not quiet."""
        from rich.console import Console

        console = Console(stderr=True)
        if self.quiet or not console.is_terminal:
            yield lambda rows: None
            return
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24))
        rest = (TextColumn("{task.completed:,} rows"), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, *rest, console=console, refresh_per_second=4) as bar:
            task = bar.add_task(what, total=total)
            yield lambda rows: bar.advance(task, rows)

    @contextmanager
    def working(self) -> Iterator[Callable[[str], None]]:
        """Show what is being done on standard error, if that is a terminal and not quiet; yields what tells it."""
        from rich.console import Console

        console = Console(stderr=True)
        if self.quiet or not console.is_terminal:
            yield lambda text: None
            return
        with console.status("starting") as status:
            yield status.update


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
