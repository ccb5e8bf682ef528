"""pushforward score: the log-density of every row of a table."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError
from .grammar import check_output
from .options import (
    AsJson,
    Debug,
    Explain,
    ModelFile,
    Quiet,
    Reference,
    SkipMissing,
    TableOutput,
    Tables,
    WithColumns,
)
from .terminal import Terminal

if TYPE_CHECKING:
    from .explaining import Unlikely
    from .totals import Totals


def score(
    model: ModelFile,
    table: Tables,
    output: TableOutput,
    with_columns: WithColumns = False,
    reference: Reference = None,
    explain: Explain = 0,
    missing: SkipMissing = "refuse",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write the log-probability of every row, in nats: one log_prob for each input row, in their order.

    Of continuous columns it is a density in the table's units, of all others a probability. Columns are found by their
    names, in whatever order they stand. Files larger than memory are streamed. Beside it stand the rank among training
    rows and a p-value among rows that were held out, of which the model file remembers some.

    [bold]Example:[/bold] pushforward score model.safetensors new.csv -o scores.csv
    """
    del debug  # read by `run`
    terminal = Terminal(quiet=quiet, as_json=as_json)
    check_output(output, [model, *table, *(reference or ())])
    from ..data import TableWriter
    from ..data.arrow import arrow_table
    from ..io import describe
    from ..tables import load_frame
    from .explaining import Worst
    from .scoring import batches, standings
    from .totals import Totals

    if explain < 0:
        raise ConfigError(f"--explain: expected at least 0, got {explain}.")
    start, totals = time.monotonic(), Totals()
    loaded = load_frame(model)
    names = [column.name for column in loaded.schema.modelled]
    standing = standings(loaded, describe(model)["table"], reference, terminal)
    columns = [*(names if with_columns else ()), "log_prob", *standing]
    worst = Worst(loaded, explain)
    with TableWriter(output, columns) as writer, terminal.counting("scoring") as advance:
        for batch in batches(loaded, table, terminal, missing=missing):
            worst.see(batch, totals.rows)
            totals.add(batch.log_prob[batch.whole], len(batch.whole))
            parts = list(batch.rows.columns) if with_columns else []
            parts += [batch.log_prob, *(place(batch.log_prob) for place in standing.values())]
            writer.write_arrow(arrow_table(parts, columns))
            advance(len(batch.whole))
    _report(terminal, totals, output, time.monotonic() - start, worst.explained() if explain else [])


def _report(
    terminal: Terminal, totals: "Totals", output: Path, seconds: float, unlikely: "list[Unlikely]"
) -> None:
    left = totals.rows - totals.scored
    if left:
        terminal.notes([f"{left:,} of {totals.rows:,} rows hold missing or infinite values: not scored."])
    if totals.not_finite:
        others = totals.mean_of_finite
        rest = f" The mean of the other {others.samples:,} is {others.value:.4f}." if others.samples else ""
        bad = f"{totals.not_finite:,} of {totals.scored:,} rows"
        terminal.notes([f"the log_prob of {bad} is not finite: they are impossible, or very far out.{rest}"])
    found = totals.mean
    values = {
        "rows": totals.rows,
        "scored": totals.scored,
        "mean_log_prob": found.value if totals.scored else math.nan,
        "standard_error": found.standard_error,
        "output": str(output),
        "seconds": round(seconds, 3),
        **({"unlikely": [row.to_json() for row in unlikely]} if unlikely else {}),
    }
    error = "" if math.isnan(found.standard_error) else f" +- {found.standard_error:.4f}"
    mean = f"mean log_prob {found.value:.4f}{error} nats per row, " if totals.scored else ""
    lines = [f"{mean}{totals.rows:,} rows in {output} ({seconds:.1f} s)", *map(str, unlikely)]
    terminal.summary(values, "\n".join(lines))
