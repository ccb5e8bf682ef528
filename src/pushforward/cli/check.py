"""pushforward check: whether a fitted model is any good, on rows of a table."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import FAILED
from .models import names_for
from .options import AsJson, Debug, ModelFile, Quiet, Seed, Tables
from .terminal import Terminal

if TYPE_CHECKING:
    import numpy as np

    from ..diagnostics import Audit

Training = Annotated[
    list[Path] | None,
    typer.Option(
        "--training",
        help="The table that the model was fitted to, for the checks on overfitting, memorising and range; may be "
        "repeated.",
    ),
]
MOST = 200_000
"""At most so many rows of a table are kept, evenly spaced over what was read: the audit chooses among them."""


def check(
    model: ModelFile,
    table: Tables,
    training: Training = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Say whether a model is any good: one line a check, with pass, look or fail, its number and what to do.

    Give it rows that the model was not fitted to. Exits with 0 if nothing fails, and with 1 if something does.

    [bold]Example:[/bold] pushforward check model.safetensors test.csv --training train.csv
    """
    del debug  # read by `run`
    terminal = Terminal(quiet=quiet, as_json=as_json)
    import jax

    from ..diagnostics import audit
    from ..io import load_model

    loaded = load_model(model)
    names = names_for(loaded.table, loaded.flow.event_shape[0])
    rows = read_rows(table, names, terminal)
    known = read_rows(training, names, terminal) if training else None
    found = audit(loaded.flow, rows, training=known, key=jax.random.key(seed), columns=names)
    terminal.notes(found.notes)
    terminal.result(_values(found), _text(found))
    if found.verdict == "fail":
        raise typer.Exit(FAILED)


def read_rows(table: Sequence[Path], names: list[str], terminal: Terminal) -> "np.ndarray":
    """Return the rows of a table, in the model's columns, shape (n, columns).

    Raises:
        BadTable: as `scan_table` and `TableFiles.batches` do, or if there are fewer than two rows.
    """
    import numpy as np

    from ..data import scan_table
    from ..errors import BadTable

    files = scan_table(table, names)
    terminal.notes(files.notes)
    kept, step, seen = [], 1, 0
    for block in files.batches(65536, nonfinite="refuse"):
        kept.append(block[-seen % step :: step])
        seen += len(block)
        while sum(map(len, kept)) > MOST:
            kept, step = [np.concatenate(kept)[::2]], 2 * step
    if seen < 2:
        raise BadTable(f"{table[0]}: expected at least 2 rows to check, got {seen}.")
    return np.concatenate(kept)


def _values(found: "Audit") -> dict[str, Any]:
    return {
        "verdict": found.verdict,
        "findings": [finding._asdict() for finding in found.findings],
        "speeds": [speed._asdict() for speed in found.speeds],
        "notes": list(found.notes),
    }


def _text(found: "Audit") -> str:
    counts = {
        verdict: sum(f.verdict == verdict for f in found.findings)
        for verdict in ("pass", "look", "fail", "n/a")
    }
    last = f"{counts['pass']} pass, {counts['look']} to look at, {counts['fail']} fail, {counts['n/a']} do not apply"
    # Names of columns in a stranger's file may hold the terminal's control characters.
    lines = str(dataclasses.replace(found, notes=())).splitlines()
    shown = ["".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line) for line in lines]
    return "\n".join([*shown, "", last])
