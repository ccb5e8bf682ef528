"""pushforward score: the log-density of every row of a table."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .grammar import check_output
from .options import (
    AsJson,
    Debug,
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
    from .totals import Totals


def score(
    model: ModelFile,
    table: Tables,
    output: TableOutput,
    with_columns: WithColumns = False,
    reference: Reference = None,
    missing: SkipMissing = "refuse",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write the log-probability of every row, in nats: one log_prob for each input row, in their order.

    Of continuous columns it is a density in the table's units, of all others a probability. Columns are found by their
    names, in whatever order they stand. Files larger than memory are streamed.

    [bold]Example:[/bold] pushforward score model.safetensors new.csv -o scores.csv
    """
    del debug  # read by `run`
    terminal = Terminal(quiet=quiet, as_json=as_json)
    check_output(output, [model, *table, *(reference or ())])
    from ..data import TableWriter
    from ..data.arrow import arrow_table
    from ..tables import load_frame
    from .scoring import batches, ranking
    from .totals import Totals

    start, totals = time.monotonic(), Totals()
    loaded = load_frame(model)
    names = [column.name for column in loaded.schema.modelled]
    rank = ranking(loaded, reference, terminal) if reference else None
    columns = [*(names if with_columns else ()), "log_prob", *(["rank"] if rank else ())]
    with TableWriter(output, columns) as writer, terminal.counting("scoring") as advance:
        for batch in batches(loaded, table, terminal, missing=missing):
            totals.add(batch.log_prob[batch.whole], len(batch.whole))
            parts = list(batch.rows.columns) if with_columns else []
            parts += [batch.log_prob, *([rank(batch.log_prob)] if rank else [])]
            writer.write_arrow(arrow_table(parts, columns))
            advance(len(batch.whole))
    _report(terminal, totals, output, time.monotonic() - start)


def _report(terminal: Terminal, totals: "Totals", output: Path, seconds: float) -> None:
    left = totals.rows - totals.scored
    if left:
        terminal.notes([f"{left:,} of {totals.rows:,} rows hold missing or infinite values: not scored."])
    if totals.not_finite:
        terminal.notes(
            [f"{totals.not_finite:,} rows are impossible, or so far out that their log_prob is not finite."]
        )
    values = {
        "rows": totals.rows,
        "scored": totals.scored,
        "mean_log_prob": totals.mean if totals.scored else math.nan,
        "standard_error": totals.standard_error,
        "output": str(output),
        "seconds": round(seconds, 3),
    }
    error = "" if math.isnan(totals.standard_error) else f" +- {totals.standard_error:.4f}"
    mean = f"mean log_prob {totals.mean:.4f}{error} nats per row, " if totals.scored else ""
    terminal.summary(values, f"{mean}{totals.rows:,} rows in {output} ({seconds:.1f} s)")
