"""pushforward check: whether a fitted model is any good, on rows of a table."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import FAILED
from .options import AsJson, Debug, ModelFile, Quiet, Seed, Tables
from .terminal import Terminal

if TYPE_CHECKING:
    import numpy as np

    from ..diagnostics import Audit
    from ..tables import FrameModel

Training = Annotated[
    list[Path] | None,
    typer.Option(
        "--training",
        help="The table that the model was fitted to, for the checks on overfitting, memorising and range; may be "
        "repeated.",
    ),
]
MOST = 25_000
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
    from ..tables import load_frame, points_of

    loaded, key = load_frame(model), jax.random.key(seed)
    rows = points_of(loaded, *read_codes(loaded, table, terminal), jax.random.fold_in(key, 1))
    known = None
    if training:
        known = points_of(loaded, *read_codes(loaded, training, terminal), jax.random.fold_in(key, 2))
    if rows.law is not loaded.flow:
        terminal.notes(
            ["The columns are looked at as normal scores, a number drawn from the cell of each value."]
        )
    found = audit(
        rows.law,
        rows.points,
        training=None if known is None else known.points,
        key=key,
        columns=rows.names,
        context=rows.context,
        training_context=None if known is None else known.context,
    )
    terminal.notes(found.notes)
    terminal.result(_values(found), _text(found))
    if found.verdict == "fail":
        raise typer.Exit(FAILED)


def read_codes(
    model: "FrameModel", table: Sequence[Path], terminal: Terminal
) -> "tuple[np.ndarray, np.ndarray | None]":
    """Return the codes of a table's rows, and of what is given; of at most `MOST` rows, evenly spaced.

    Raises:
        BadTable: as `scan_table` and `TableFiles.arrow_batches` do, if a value is missing that may not be, or if there
            are fewer than two rows.
    """
    import numpy as np

    from ..data import scan_table
    from ..data.arrow import as_arrow
    from ..errors import BadTable

    files = scan_table(table, [column.name for column in model.schema.modelled], typed=True)
    terminal.notes(files.notes)
    kept, step, seen = [], 1, 0
    for block in files.arrow_batches(65536):
        codes = model.schema.encode(as_arrow(block))
        kept.append(codes[-seen % step :: step])
        seen += len(codes)
        while sum(map(len, kept)) > MOST:
            kept, step = [np.concatenate(kept)[::2]], 2 * step
    if seen < 2:
        raise BadTable(f"{table[0]}: expected at least 2 rows to check, got {seen}.")
    rows = np.concatenate(kept)
    odd = model.schema.check(rows)
    terminal.notes(map(str, odd))
    inside = model.schema.inside(rows).all(axis=1)
    if inside.sum() < 2:
        raise BadTable(f"{table[0]}: the model gives a probability to {inside.sum()} of its rows alone.")
    return model.parted(rows[inside])


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
