"""A table of many rows: large.py write FOLDER ROWS | stream FOLDER MODEL | load FOLDER MODEL | score FOLDER MODEL OUT.

`stream` and `load` fit, and print one JSON object: the peak of the resident memory in bytes, seconds, and likelihoods.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

GROUP, FILE = 100_000, 2_000_000
FEATURES = 5
NAMES = [f"x{place}" for place in range(FEATURES)]
_MIXING = np.random.default_rng(42).normal(size=(FEATURES, FEATURES)) / 2 + np.eye(FEATURES)


def law(random, rows):
    """Return rows of a correlated normal law that is then bent: x1 = z1 + z0^2 / 2, x0 = exp(z0 / 2)."""
    z = random.normal(size=(rows, FEATURES)) @ _MIXING.T
    z[:, 1] += z[:, 0] ** 2 / 2
    z[:, 0] = np.exp(z[:, 0] / 2)
    return z


def entropy():
    """Return the entropy of `law` in nats: that of z, plus E[log dx0/dz0] = log(1/2) + E[z0] / 2 = log(1/2)."""
    return FEATURES / 2 * np.log(2 * np.pi * np.e) + np.linalg.slogdet(_MIXING)[1] + np.log(0.5)


def write(folder, rows):
    """Write the table in files of 2,000,000 rows and row groups of 100,000."""
    import pyarrow as pa
    import pyarrow.parquet

    rows, random = int(rows), np.random.default_rng(0)
    for number, low in enumerate(range(0, rows, FILE)):
        size = min(FILE, rows - low)
        path = Path(folder) / f"part-{number:03}.parquet"
        schema = pa.schema([(name, pa.float64()) for name in NAMES])
        with pa.parquet.ParquetWriter(path, schema, compression="none") as file:
            for start in range(0, size, GROUP):
                values = law(random, min(GROUP, size - start))
                file.write_table(pa.table(dict(zip(NAMES, values.T, strict=True)), schema), GROUP)


def fit(rows, schema, model):
    """Fit a small flow to rows or a source, and save it with what its columns are; print what it took."""
    import jax.random as jr

    from pushforward import fit_table
    from pushforward.tables import FrameModel

    start = time.monotonic()
    seen = []
    result = fit_table(
        rows,
        key=jr.key(0),
        flow="realnvp",
        options={"layers": 4, "hidden": (32,)},
        batch_size=4096,
        max_epochs=1,
        progress=lambda check: seen.append((check.step, check.seconds, _peak())),
    )
    first, last = (seen[0], seen[-1]) if len(seen) > 1 else ((0, 0.0, 0), seen[-1])
    about = {
        "peak": _peak(),
        "seconds": time.monotonic() - start,
        "rows_per_second": 4096 * (last[0] - first[0]) / (last[1] - first[1]),
        "steps": result.steps,
        "train": result.train_log_prob,
        "validation": result.validation_log_prob,
        "notes": result.notes,
        "checks": seen[:: max(len(seen) // 10, 1)],
    }
    FrameModel(result.flow, schema).save(model)
    sys.stdout.write(json.dumps(about))


def _peak():
    """Return the most memory that was resident, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # `getrusage` also counts the process that started this one
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def score(folder, model, output):
    """Score the table by the command; print what it took."""
    import io
    from contextlib import redirect_stdout

    from pushforward.cli.main import main as command

    told, code = io.StringIO(), 0
    sys.argv = ["pushforward", "score", model, folder, "-o", output, "--json"]
    with redirect_stdout(told):
        try:
            command()
        except SystemExit as end:
            code = end.code
    sys.stdout.write(json.dumps(json.loads(told.getvalue()) | {"peak": _peak(), "code": code}))


def main(what, folder, *details):
    if what == "write":
        write(folder, *details)
    elif what == "score":
        score(folder, *details)
    else:
        from pushforward.data import TableSource, read_table

        source = TableSource(folder)
        fit(source if what == "stream" else read_table(folder).values, source.schema(), *details)


if __name__ == "__main__":
    main(*sys.argv[1:])
