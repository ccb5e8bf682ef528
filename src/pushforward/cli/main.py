"""The entry point of the command line."""

import importlib.metadata
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from .check import check
from .devices import offer_cores
from .errors import INTERRUPTED, explain
from .fit import fit
from .info import info
from .programs import keep_programs
from .report import report
from .sample import sample
from .score import score

app = typer.Typer(
    name="pushforward",
    epilog="[bold]Example:[/bold] pushforward fit data.csv -o model.safetensors",
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (fit, score, sample, check, report, info):
    app.command()(_command)


def main() -> None:
    """Run the command line and leave with its exit code."""
    keep_programs()
    offer_cores()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: what stands behind `pushforward`.

    Returns:
        The exit code: 0 if all went well, 2 for bad input, 1 for other failures, 130 after Ctrl-C.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _note
        try:
            code = app(args=list(arguments) or ["--help"], prog_name="pushforward", standalone_mode=False)
        except SystemExit as leaving:  # typer, when whoever read our output has left, as `head` does
            return leaving.code if isinstance(leaving.code, int) else 1
        except (Exception, KeyboardInterrupt) as error:
            return _failed(error, "--debug" in arguments)
    if code == INTERRUPTED:
        typer.echo("pushforward: interrupted.", err=True)
    return code if isinstance(code, int) else 0


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pushforward {importlib.metadata.version('pushforward')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Normalizing flows for tables: fit an exact density, score rows with it, draw new rows from it."""
    del version  # done by its callback


def _failed(error: BaseException, debug: bool) -> int:
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        typer.echo("pushforward: interrupted.", err=True)
        return INTERRUPTED
    if debug:
        traceback.print_exception(error)
    message, code = explain(error)
    typer.echo(f"pushforward: error: {message}", err=True)
    return code


def _note(message: Warning | str, *place: Any, **more: Any) -> None:
    """Show a warning as a user wants it: without the file and the line of the program."""
    del place, more
    typer.echo(f"note: {' '.join(str(message).split())}", err=True)
