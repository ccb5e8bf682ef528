"""pushforward sample: new rows from a fitted model."""

import time

from ..errors import ConfigError
from .grammar import check_output
from .models import names_for
from .options import AsJson, Debug, ModelFile, Quiet, Rows, Seed, TableOutput, WithLogProb
from .terminal import Terminal

BLOCK = 8192
"""Rows drawn at a time. Row i comes from block i // BLOCK, however many rows are drawn: --seed means that."""


def sample(
    model: ModelFile,
    rows: Rows,
    output: TableOutput,
    seed: Seed = 0,
    with_log_prob: WithLogProb = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draw new rows from a model, in the columns and units of the table that it was fitted to.

    Any number of rows needs the same memory. A larger number only adds rows to those of a smaller one.

    [bold]Example:[/bold] pushforward sample model.safetensors -n 10000 -o samples.csv
    """
    del debug  # read by `run`
    terminal = Terminal(quiet=quiet, as_json=as_json)
    if rows < 1:
        raise ConfigError(f"--rows: expected at least 1, got {rows}.")
    check_output(output, [model])
    import jax
    import numpy as np

    from ..data import TableWriter
    from ..io import load_model

    start, key, infinite = time.monotonic(), jax.random.key(seed), 0
    loaded = load_model(model)
    names = names_for(loaded.table, loaded.flow.event_shape[0])
    columns = [*names, "log_prob"] if with_log_prob else names
    with TableWriter(output, columns) as writer, terminal.counting("sampling", rows) as advance:
        for block, first in enumerate(range(0, rows, BLOCK)):
            x, log_prob = loaded.flow.sample_and_log_prob(jax.random.fold_in(key, block), (BLOCK,))
            parts = [np.asarray(x), np.asarray(log_prob)[:, None]] if with_log_prob else [np.asarray(x)]
            drawn = np.concatenate(parts, axis=1)[: rows - first]
            infinite += int((~np.isfinite(drawn).all(axis=1)).sum())
            writer.write(drawn)
            advance(len(drawn))
    if infinite:
        terminal.warn(f"{infinite:,} of {rows:,} rows hold values beyond the range of float32.")
    seconds = time.monotonic() - start
    terminal.summary(
        {
            "rows": rows,
            "not_finite": infinite,
            "columns": columns,
            "output": str(output),
            "seed": seed,
            "seconds": round(seconds, 3),
        },
        f"{rows:,} rows of {len(columns)} columns in {output} ({seconds:.1f} s)",
    )
