"""pushforward fit: from a table to a model file."""

import dataclasses
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import typer

from . import options
from .devices import chosen_devices
from .errors import INTERRUPTED
from .grammar import (
    as_missing,
    check_output,
    check_recipe,
    check_schema_options,
    column_kinds,
    column_names,
    recipe_options,
)
from .streaming import fit_streamed, is_streamed, refuse_schema_options
from .terminal import Terminal

if TYPE_CHECKING:
    import numpy as np

    from ..tables import FrameFit, FrameModel, TableFit


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
    holdout: options.HeldOut = "random",
    batch_size: options.BatchSize = None,
    patience: options.Patience = None,
    given: options.Given = None,
    column: options.ColumnKind = None,
    schema: options.SchemaFile = None,
    missing: options.Missing = "refuse",
    checkpoint: options.Checkpoint = None,
    stream: options.Stream = None,
    devices: options.Devices = "auto",
    history: options.HistoryOutput = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Fit a flow to a table and write it to a model file.

    Numbers, text, dates, bounds, point masses and tails of the columns are taken care of; `pushforward info TABLE`
    shows what each column is taken for. Log-probabilities are in the table's own units. Ctrl-C ends the fit early and
    saves the best flow so far.

    [bold]Example:[/bold] pushforward fit data.csv -o model.safetensors --max-seconds 120
    """
    del debug  # read by `run`
    terminal = Terminal(quiet=quiet, as_json=as_json)
    for path in [output, checkpoint, history]:
        if path is not None:
            check_output(path, [*table, *([schema] if schema else [])])
    conditions = column_names(given, "--given") or []
    arguments, kinds = recipe_options(option), column_kinds(column)
    check_schema_options(schema, kinds, missing)
    flow, arguments = check_recipe(flow, arguments)
    training: dict[str, Any] = {
        "flow": flow,
        "options": arguments,
        "validation": validation,
        "holdout": holdout,
        "batch_size": batch_size,
        "max_epochs": max_epochs,
        "max_seconds": max_seconds,
        "patience": patience,
        "checkpoint": checkpoint,
        "progress": not quiet,
        "devices": chosen_devices(devices),
    }
    how = _Columns(column_names(columns), conditions, kinds, schema, as_missing(missing))
    if is_streamed(table, how.names, stream):
        refuse_schema_options({"--schema": schema, "--column": kinds, "--given": conditions})
        result, known = fit_streamed(table, how.names, seed=seed, missing=how.missing, **training)
        terminal.notes(known)
    else:
        result, known = _fit_in_memory(terminal, table, how, seed, training)
    terminal.notes(result.fit.notes)
    notes = [*known, *result.fit.notes]
    _save(terminal, result.model, output, _about(result, table, notes, seed, validation))
    if history is not None:
        _write_history(result.fit, history)
    terminal.summary(*_summary(result, notes, output))
    if result.fit.stopped == "interrupted":
        terminal.warn(f"the fit was ended early; the best flow so far is in {output}.")
        raise typer.Exit(INTERRUPTED)


class _Columns(NamedTuple):
    """What the options say of the columns."""

    names: Sequence[str] | None
    given: Sequence[str]
    kinds: Mapping[str, str]
    schema: Path | None
    missing: Literal["refuse", "drop", "model"]


def _fit_in_memory(
    terminal: Terminal, table: Sequence[Path], how: _Columns, seed: int, training: Mapping[str, Any]
) -> "tuple[FrameFit, list[str]]":
    """Read a table, say what its columns are, and fit it; return the fit and what was said."""
    import jax

    from ..data import scan_table
    from ..data.schema import infer_schema, read_schema
    from ..tables import fit_frame

    files = scan_table(table, how.names, typed=True)
    terminal.notes(files.notes)
    rows = files.read_arrow()
    if how.schema is not None:
        schema = read_schema(how.schema)
    else:
        schema = infer_schema(rows, how.kinds, missing=how.missing, name=files.name)
    terminal.notes(schema.notes)
    key = jax.random.key(seed)
    result = fit_frame(rows, key=key, schema=schema, given=how.given, missing=how.missing, **training)
    return result, [*files.notes, *schema.notes]


def _about(
    result: "FrameFit", tables: Sequence[Path], notes: Sequence[str], seed: int, validation: float
) -> dict[str, Any]:
    """Return what a model file is to say about the table and the fit, as plain data."""
    fit, known = result.fit, result.reference()
    kept = {} if known is None else {name: _short(values) for name, values in known._asdict().items()}
    return {
        "reference": kept,
        "rows": result.rows,
        "files": [path.name for path in tables[:100]],
        "notes": list(notes)[:100],
        "fit": {
            "flow": fit.settings.flow,
            "seed": seed,
            "steps": fit.steps,
            "epochs": fit.history.epoch[-1] if fit.history.epoch else 0.0,
            "seconds": round(fit.seconds, 3),
            "stopped": fit.stopped,
            "validation_rows": round(validation * result.rows),
            "train_log_prob": fit.train_log_prob,
            "validation_log_prob": fit.validation_log_prob,
        },
    }


def _short(values: "np.ndarray") -> list[float]:
    """Return log-probabilities with as many digits as they are good for; those that are not finite are left out."""
    return [round(value, 4) for value in values.tolist() if math.isfinite(value)]


def _save(terminal: Terminal, model: "FrameModel", output: Path, about: Mapping[str, Any]) -> None:
    """Write the model file; if that fails after all the work, somewhere else before the error."""
    try:
        model.save(output, about)
    except OSError:
        rescue = Path(tempfile.mkdtemp(prefix="pushforward-")) / output.name
        model.save(rescue, about)
        terminal.warn(f"the model could not be written to {output}; it is in {rescue} instead.")
        raise


def _write_history(result: "TableFit", path: Path) -> None:
    import numpy as np

    from ..data import TableWriter

    curves = {name: values for name, values in dataclasses.asdict(result.history).items() if values}
    with TableWriter(path, list(curves)) as writer:
        writer.write(np.array(list(curves.values()), dtype=np.float64).T)


def _summary(result: "FrameFit", notes: Sequence[str], output: Path) -> tuple[Mapping[str, Any], str]:
    fit, model = result.fit, result.model
    columns = [column.name for column in model.columns]
    values = {
        "model": str(output),
        "rows": result.rows,
        "columns": columns,
        "given": list(model.given),
        "flow": fit.settings.flow,
        "train_log_prob": fit.train_log_prob,
        "validation_log_prob": fit.validation_log_prob,
        "steps": fit.steps,
        "stopped": fit.stopped,
        "seconds": round(fit.seconds, 3),
        "notes": list(notes),
    }
    held_out = fit.validation_log_prob
    likelihood = f"training rows {fit.train_log_prob:.4f}"
    if held_out is not None:
        likelihood = f"validation rows {held_out:.4f}, {likelihood}"
    given = f" given {', '.join(model.given)}" if model.given else ""
    text = (
        f"{output}: {fit.settings.flow} on {result.rows:,} rows of {len(columns)} columns{given}, "
        f"{fit.steps:,} {'step' if fit.steps == 1 else 'steps'} in {fit.seconds:.1f} s (ended by {fit.stopped})\n"
        f"mean log_prob in nats per row: {likelihood}"
    )
    return values, text
