"""pushforward fit: from a table to a model file."""

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from . import options
from .errors import INTERRUPTED
from .grammar import check_output, check_recipe, column_names, jitter_columns, recipe_options
from .models import description
from .streaming import device_count, fit_streamed, is_streamed
from .terminal import Terminal

if TYPE_CHECKING:
    from ..data import Table
    from ..tables import TableFit
    from .streaming import Streamed


def fit(
    table: options.Tables,
    output: options.ModelOutput,
    flow: options.FlowName = "auto",
    option: options.RecipeOption = None,
    columns: options.Columns = None,
    seed: options.Seed = 0,
    max_seconds: options.MaxSeconds = None,
    max_epochs: options.MaxEpochs = None,
    validation: options.Validation = 0.1,
    holdout: options.Holdout = "random",
    batch_size: options.BatchSize = None,
    patience: options.Patience = None,
    drop_nonfinite: options.DropNonfinite = False,
    jitter: options.Jitter = "none",
    checkpoint: options.Checkpoint = None,
    stream: options.Stream = None,
    devices: options.Devices = None,
    history: options.HistoryOutput = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Fit a flow to a table and write it to a model file.

    Outliers, tails and scales of the columns are taken care of; densities are in the table's own units.
    Ctrl-C ends the fit early and saves the best flow so far.

    [bold]Example:[/bold] pushforward fit data.csv -o model.safetensors --max-seconds 120
    """
    del debug  # read by `run`
    terminal = Terminal(quiet=quiet, as_json=as_json)
    for path in [output, checkpoint, history]:
        if path is not None:
            check_output(path, table)
    names, arguments, widths = column_names(columns), recipe_options(option), jitter_columns(jitter)
    import jax

    from ..data import read_table
    from ..tables import fit_table

    flow, arguments = check_recipe(flow, arguments)
    limits = {"max_epochs": max_epochs, "max_seconds": max_seconds, "patience": patience}
    training: dict[str, Any] = {
        "validation": validation,
        "holdout": holdout,
        "batch_size": batch_size,
        **limits,
    }
    shared = {"flow": flow, "options": arguments, "progress": not quiet, "checkpoint": checkpoint}
    shared |= {} if devices is None else {"devices": device_count(devices)}
    if is_streamed(table, names, stream):
        whole: dict[str, Any] = {"jitter": widths, "seed": seed, "drop_nonfinite": drop_nonfinite}
        rows, result = fit_streamed(table, names, **whole, **training, **shared)
        terminal.notes(rows.notes)
        validation = rows.validation
    else:
        rows = _jittered(read_table(table, names, drop_nonfinite=drop_nonfinite), widths, seed)
        terminal.notes(rows.notes)
        key = jax.random.key(seed)
        result = fit_table(rows.values, key=key, columns=rows.columns, **shared, **training)
    terminal.notes(result.notes)
    _save(terminal, result, output, description(rows, result, seed=seed, validation=validation))
    if history is not None:
        _write_history(result, history)
    terminal.summary(*_summary(result, rows, output))
    if result.stopped == "interrupted":
        terminal.warn(f"the fit was ended early; the best flow so far is in {output}.")
        raise typer.Exit(INTERRUPTED)


def _jittered(table: "Table", widths: Any, seed: int) -> "Table":
    """Return the table with noise where it was asked for; or with a note where it is missed."""
    import numpy as np

    from ..data import find_ties
    from ..data import jitter as add_noise

    if widths is not None:
        return add_noise(table, widths, np.random.default_rng(seed))
    tied = [str(report) for report in find_ties(table) if report.kind in ("discrete", "mass")]
    if not tied:
        return table
    found = "; ".join(tied)
    note = f"{table.name}: values repeat in {found}. A density may spike there; --jitter auto spreads them."
    return dataclasses.replace(table, notes=(*table.notes, note))


def _save(terminal: Terminal, result: "TableFit", output: Path, about: Mapping[str, Any]) -> None:
    """Write the model file; if that fails after all the work, somewhere else before the error."""
    from ..io import save

    try:
        save(result.flow, output, table=about)
    except OSError:
        rescue = Path(tempfile.mkdtemp(prefix="pushforward-")) / output.name
        save(result.flow, rescue, table=about)
        terminal.warn(f"the model could not be written to {output}; it is in {rescue} instead.")
        raise


def _write_history(result: "TableFit", path: Path) -> None:
    import numpy as np

    from ..data import TableWriter

    curves = {name: values for name, values in dataclasses.asdict(result.history).items() if values}
    with TableWriter(path, list(curves)) as writer:
        writer.write(np.array(list(curves.values()), dtype=np.float64).T)


def _summary(result: "TableFit", rows: "Table | Streamed", output: Path) -> tuple[Mapping[str, Any], str]:
    values = {
        "model": str(output),
        "rows": len(rows),
        "columns": list(rows.columns),
        "flow": result.settings.flow,
        "train_log_prob": result.train_log_prob,
        "validation_log_prob": result.validation_log_prob,
        "steps": result.steps,
        "stopped": result.stopped,
        "seconds": round(result.seconds, 3),
        "notes": [*rows.notes, *result.notes],
    }
    held_out = result.validation_log_prob
    likelihood = f"training rows {result.train_log_prob:.4f}"
    if held_out is not None:
        likelihood = f"validation rows {held_out:.4f}, {likelihood}"
    text = (
        f"{output}: {result.settings.flow} on {len(rows):,} rows of {len(rows.columns)} columns, "
        f"{result.steps:,} steps in {result.seconds:.1f} s (ended by {result.stopped})\n"
        f"mean log_prob in nats per row: {likelihood}"
    )
    return values, text
