"""Tables of mixed columns through the whole command line; write results/mixed.json and RESULTS.md.

    python benchmarks/run_mixed.py --seconds 120

Each table is divided at random, four fifths to fit, one fifth to judge; `pushforward fit`, `score`, `check`, `sample`
and `report` run without an option but the time limit. Beside the flow stand laws that can take the same columns, on the
same measure (`pushforward.diagnostics.frame_baselines`), learned from the same rows. What a run leaves is in --folder.
"""

import argparse
import json
import os
import time
from pathlib import Path

import jax
import numpy as np

from pushforward.cli.main import run
from pushforward.data import TableWriter, read_arrow
from pushforward.data.arrow import as_arrow
from pushforward.diagnostics import frame_baselines, score
from pushforward.tables import load_frame
from report import load_at_start, machine, write_report

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("PUSHFORWARD_DATA", HERE.parent.parent / "shared" / "data")) / "tables"
TABLES = {
    "adult": DATA / "mixed" / "adult-train.csv",
    "diamonds": DATA / "mixed" / "diamonds.csv",
    "abalone": DATA / "mixed" / "abalone.csv",
    "gas turbine": HERE.parent / "examples" / "gas-turbine",
    "bike": DATA / "uci" / "bike" / "data.csv.gz",
}


def divide(path: Path, folder: Path) -> tuple[Path, Path]:
    """Write the rows of a table to two files, four fifths and one fifth of them, chosen at random."""
    table = read_arrow(path)
    order = np.random.default_rng(0).permutation(table.num_rows)
    cut = len(order) // 5
    files = folder / "training.parquet", folder / "test.parquet"
    for file, rows in zip(files, (order[cut:], order[:cut]), strict=True):
        with TableWriter(file, table.column_names) as writer:
            writer.write_arrow(table.take(np.sort(rows)).combine_chunks())
    return files


def command(*words: object) -> int:
    """Run one command and return its exit code."""
    print("$ pushforward", *words, flush=True)
    return run([str(word) for word in words])


def measure(name: str, seconds: float, folder: Path) -> dict:
    """Take one table through the commands."""
    folder.mkdir(parents=True, exist_ok=True)
    training, test = divide(TABLES[name], folder)
    model, start = folder / "model.safetensors", time.monotonic()
    codes = {"fit": command("fit", training, "-o", model, "--max-seconds", seconds, "--quiet")}
    fitting = time.monotonic() - start
    codes["score"] = command("score", model, test, "-o", folder / "scores.parquet", "--explain", 3)
    codes["sample"] = command("sample", model, "-n", 10_000, "-o", folder / "samples.parquet")
    codes["check"] = command("check", model, test, "--training", training)
    page = folder / "report.html"
    codes["report"] = command("report", model, test, "--training", training, "-o", page, "--quiet")
    loaded = load_frame(model)
    log_prob = read_arrow(folder / "scores.parquet").column("log_prob").to_numpy()
    known, _ = loaded.codes(read_arrow(training))
    fresh, _ = loaded.codes(read_arrow(test))
    laws = {"pushforward": log_prob}
    for found in frame_baselines(loaded.flow, known, key=jax.random.key(0)):
        if found.law is not None:
            laws[found.name] = np.asarray(found.law.log_prob(fresh), np.float64)
    # A category that no training row has is impossible under all laws alike.
    possible = np.all([np.isfinite(values) for values in laws.values()], axis=0)
    laws = {name: values[possible] for name, values in laws.items()}
    drawn, original = read_arrow(folder / "samples.parquet"), read_arrow(training)
    types = {field.name: field.type for field in original.schema}
    kept = [field.name for field in drawn.schema if field.type != types[field.name]]
    outside = int((~loaded.schema.inside(loaded.all_codes(as_arrow(drawn)))).sum())
    gaps = {law: score(laws["pushforward"] - other) for law, other in laws.items() if law != "pushforward"}
    return {
        "rows": len(known) + len(fresh),
        "columns": len(loaded.columns),
        "seconds": round(fitting, 1),
        "exit_codes": codes,
        "log_prob": {law: score(values)._asdict() for law, values in laws.items()},
        "ahead": {law: gap._asdict() for law, gap in gaps.items()},
        "impossible_rows": int((~possible).sum()),
        "columns_of_another_type": kept,
        "values_outside_of_the_support": outside,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0, help="of each fit, compilation included")
    parser.add_argument("--tables", nargs="*", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--folder", type=Path, default=Path("mixed"))
    options = parser.parse_args()
    path, load = HERE / "results" / "mixed.json", load_at_start()
    found = json.loads(path.read_text()) if path.exists() else {"tables": {}}
    for name in options.tables:
        result = measure(name, options.seconds, options.folder / name.replace(" ", "-"))
        day = time.strftime("%Y-%m-%d")
        found["tables"][name] = {
            **result,
            "limit": options.seconds,
            "machine": machine(),
            "day": day,
            "load": load,
        }
        path.write_text(json.dumps(found, indent=1) + "\n")
        print(json.dumps(result, indent=1))
    write_report(HERE / "results")


if __name__ == "__main__":
    main()
