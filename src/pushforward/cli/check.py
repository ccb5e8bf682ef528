"""pushforward check: whether a fitted model is any good, on rows of a table."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

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
    from ..diagnostics.audit import support
    from ..tables import load_frame, points_of

    loaded, key = load_frame(model), jax.random.key(seed)
    read = read_codes(loaded, table, terminal)
    rows, known = points_of(loaded, *read.possible, jax.random.fold_in(key, 1)), None
    if training:
        known = points_of(
            loaded, *read_codes(loaded, training, terminal).possible, jax.random.fold_in(key, 2)
        )
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
    found = dataclasses.replace(found, findings=(support(read.inside), *found.findings))
    terminal.notes(found.notes)
    terminal.result(_values(found), _text(found))
    if found.verdict == "fail":
        raise typer.Exit(FAILED)


class Codes(NamedTuple):
    """Rows of a table that have all the values that they must have.

    Attributes:
        rows: codes of the columns whose law it is, shape (n, columns).
        given: codes of the given columns, shape (n, given columns), or None.
        inside: which rows hold only values that the model gives a probability, shape (n,).
    """

    rows: "np.ndarray"
    given: "np.ndarray | None"
    inside: "np.ndarray"

    @property
    def possible(self) -> "tuple[np.ndarray, np.ndarray | None]":
        """The codes of the rows that are inside."""
        return self.rows[self.inside], None if self.given is None else self.given[self.inside]


def read_codes(model: "FrameModel", table: Sequence[Path], terminal: Terminal) -> Codes:
    """Return the codes of a table's rows; of at most `MOST`, evenly spaced.

    Raises:
        BadTable: as `scan_table` and `read_evenly` do, or if there are fewer than two rows that can be looked at.
    """
    import numpy as np

    from ..data import scan_table
    from ..data.evenly import read_evenly
    from ..errors import BadTable

    columns = model.schema.modelled
    files = scan_table(table, [column.name for column in columns], typed=True)
    terminal.notes(files.notes)
    codes = model.all_codes(read_evenly(files, MOST).table)
    absent = np.isnan(codes) & ~np.array([column.missing for column in columns])
    whole = np.asarray(~absent.any(axis=1))
    if not whole.all():
        terminal.notes(
            [
                f"{files.name}: {(~whole).sum()} of {len(whole)} rows hold missing or infinite values: left out."
            ]
        )
    inside = np.asarray(model.schema.inside(codes[whole]).all(axis=1))
    if inside.sum() < 2:
        raise BadTable(f"{files.name}: expected at least 2 rows to check, got {inside.sum()}.")
    terminal.notes(map(str, model.schema.check(codes[whole])))
    return Codes(*model.parted(codes[whole]), inside)


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
