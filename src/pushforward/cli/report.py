"""pushforward report: one page about a model and a table."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from ..errors import ConfigError
from .grammar import check_output
from .options import AsJson, Debug, ModelFile, Quiet, Seed, Tables
from .terminal import Terminal

if TYPE_CHECKING:
    from ..report import Report, Subject

Output = Annotated[Path, typer.Option("-o", "--output", help="Where to write the page: an .html file.")]
Training = Annotated[
    list[Path] | None,
    typer.Option(
        "--training",
        help="The table that the model was fitted to: simpler laws are learned from it. By default they are from a "
        "half of TABLE; may be repeated.",
    ),
]
Samples = Annotated[int, typer.Option("--samples", help="How many samples to draw.")]


def report(
    model: ModelFile,
    table: Tables,
    output: Output,
    training: Training = None,
    samples: Samples = 10_000,
    seed: Seed = 0,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write one page (HTML) on a model: its likelihood beside simpler laws, data against samples, an audit, and more.

    Give it rows that the model was not fitted to, of which at most 20,000 are looked at. The page needs nothing else,
    no network either.

    [bold]Example:[/bold] pushforward report model.safetensors test.csv --training train.csv -o report.html
    """
    del debug  # read by `run`
    terminal = Terminal(quiet=quiet, as_json=as_json)
    check_output(output, [model, *table, *(training or ())])
    if samples < 20:
        raise ConfigError(f"--samples: expected at least 20, got {samples}.")
    try:
        from ..report import build_report, gather
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"report needs {error.name}, which is not installed: pip install 'pushforward[plots]'."
        ) from error
    from ..io import atomic_write

    start = time.monotonic()
    with terminal.working() as step:
        step("reading")
        subject = gather(model, table, training=training or (), samples=samples, seed=seed)
        found = build_report(subject, step=step)
    content = found.html.encode()
    atomic_write(output, lambda file: _put(file, content))
    _say(terminal, subject, found, output, time.monotonic() - start)


def _put(file: BinaryIO, content: bytes) -> None:
    file.write(content)


def _say(terminal: Terminal, subject: "Subject", found: "Report", output: Path, seconds: float) -> None:
    laws = found.likelihoods
    values: dict[str, Any] = {
        "output": str(output),
        "rows": subject.rows.total,
        "judged": laws.rows,
        "mean_log_prob": laws.mean,
        "standard_error": laws.error,
        "baselines": {
            item.baseline.name: {
                "mean_log_prob": item.mean,
                "gain": item.gain,
                "standard_error": item.gain_error,
            }
            for item in laws.compared
        },
        "findings": {finding.name: finding.verdict for finding in found.findings},
        "seconds": round(seconds, 3),
    }
    best = "" if laws.best is None else f", {laws.best.gain:.4f} more than the {laws.best.baseline.name}"
    text = f"mean log_prob {laws.mean:.4f} nats per row{best}; the page is in {output} ({seconds:.1f} s)"
    terminal.summary(values, text)
