"""pushforward sample: new rows from a fitted model."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import ConfigError
from .grammar import check_output, conditions
from .options import AsJson, Conditions, Debug, ModelFile, Quiet, Rows, Seed, TableOutput, WithLogProb
from .terminal import Terminal

if TYPE_CHECKING:
    import jax
    import numpy as np

    from ..tables import FrameModel

BLOCK = 8192
"""Rows drawn at a time. Row i comes from block i // BLOCK, however many rows are drawn: --seed means that."""


class Drawn(NamedTuple):
    """Some rows: their codes, those of what is given, and log-probabilities if they are asked for."""

    codes: "np.ndarray"
    given: "np.ndarray | None"
    log_prob: "np.ndarray | None"


def sample(
    model: ModelFile,
    rows: Rows,
    output: TableOutput,
    given: Conditions = None,
    seed: Seed = 0,
    with_log_prob: WithLogProb = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draw new rows from a model, in the columns, types and units of the table that it was fitted to.

    Any number of rows needs the same memory. A larger number only adds rows to those of a smaller one.

    [bold]Example:[/bold] pushforward sample model.safetensors -n 10000 -o samples.csv
    """
    del debug  # read by `run`
    terminal = Terminal(quiet=quiet, as_json=as_json)
    if rows < 1:
        raise ConfigError(f"--rows: expected at least 1, got {rows}.")
    table = None if given is None or ("=" in given and not Path(given).exists()) else Path(given)
    check_output(output, [model, *([table] if table else [])])
    import jax
    import numpy as np

    from ..data import TableWriter, read_arrow
    from ..data.arrow import arrow_table, stated
    from ..tables import load_frame

    start, infinite = time.monotonic(), 0
    loaded = load_frame(model)
    known = (
        read_arrow(table)
        if table
        else None
        if given is None
        else stated(loaded.conditions, conditions(given))
    )
    context = loaded.conditions_of(known)
    total = rows * (1 if context is None else len(context))
    names = [column.name for column in loaded.schema.columns if column.kind != "identifier"]
    columns = [*names, "log_prob"] if with_log_prob else names
    with TableWriter(output, columns) as writer, terminal.counting("sampling", total) as advance:
        for drawn in _draws(loaded, jax.random.key(seed), rows, context, with_log_prob):
            infinite += int(np.isinf(drawn.codes).any(axis=1).sum())
            part = loaded.table_of(drawn.codes, drawn.given)
            extra = [drawn.log_prob] if drawn.log_prob is not None else []
            writer.write_arrow(arrow_table([*part.columns, *extra], columns))
            advance(len(drawn.codes))
    if infinite:
        terminal.warn(f"{infinite:,} of {total:,} rows hold values beyond the range of float32.")
    seconds = time.monotonic() - start
    terminal.summary(
        {
            "rows": total,
            "not_finite": infinite,
            "columns": columns,
            "output": str(output),
            "seed": seed,
            "seconds": round(seconds, 3),
        },
        f"{total:,} rows of {len(columns)} columns in {output} ({seconds:.1f} s)",
    )


def _draws(
    model: "FrameModel", key: "jax.Array", rows: int, given: "np.ndarray | None", with_log_prob: bool
) -> Iterator[Drawn]:
    """Draw so many rows for each condition, in blocks; the rows of the first condition come first."""
    import jax

    if given is None:
        for block, first in enumerate(range(0, rows, BLOCK)):
            codes, _, log_prob = _block(model, jax.random.fold_in(key, block), BLOCK, None, with_log_prob)
            yield Drawn(codes[: rows - first], None, None if log_prob is None else log_prob[: rows - first])
        return
    some = max(BLOCK // rows, 1)  # conditions at a time, of which each has at most one block
    for start in range(0, len(given), some):
        of_conditions, places = jax.random.fold_in(key, start), given[start : start + some]
        for block, first in enumerate(range(0, rows, BLOCK)):
            count = min(BLOCK, rows - first)
            yield _block(model, jax.random.fold_in(of_conditions, block), count, places, with_log_prob)


def _block(
    model: "FrameModel", key: "jax.Array", count: int, given: "np.ndarray | None", with_log_prob: bool
) -> Drawn:
    import numpy as np

    flow = model.flow
    x, log_prob = (
        flow.sample_and_log_prob(key, (count,), given)
        if with_log_prob
        else (flow.sample(key, (count,), given), None)
    )
    if given is None:
        return Drawn(np.asarray(x), None, None if log_prob is None else np.asarray(log_prob))
    codes = np.asarray(x).swapaxes(0, 1).reshape(-1, x.shape[-1])
    flat = None if log_prob is None else np.asarray(log_prob).T.reshape(-1)
    return Drawn(codes, np.repeat(given, count, axis=0), flat)
