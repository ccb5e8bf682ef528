"""Fit every method to every table under the same wall time; write results/tables.json and RESULTS.md.

    python benchmarks/run_tables.py --python-torch .venvs/peers-torch/bin/python \
        --python-flowjax .venvs/peers-flowjax/bin/python --seconds 120

One process per fit, one after another, or `--parallel k` at a time, each on cores of its own. The log density
of every test row stays in the scratch folder; differences between methods are taken row by row.
"""

import argparse
import json
import queue
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from cores import core_sets
from report import load_at_start, machine, write_report
from tables.fit_peer import MODULES
from tables.splits import TABLES

HERE = Path(__file__).resolve().parent
OURS = "pushforward"


def fit(method: str, table: str, cores: queue.Queue, args: argparse.Namespace) -> None:
    """Run one fit in its own process on cores that nobody else has."""
    out = args.scratch / f"{table}.{method}.json"
    if args.reuse and out.exists():
        return
    python = args.python_flowjax if method.startswith("flowjax") else args.python_torch
    python = args.python_ours if method == OURS else python
    mine = cores.get()
    try:
        options = ["--seconds", args.seconds, "--threads", args.threads, "--cores", mine]
        options += ["--schedule", args.schedule, "--method", method, "--table", table, "--out", out]
        done = subprocess.run([python, HERE / "tables" / "fit_peer.py", *map(str, options)], check=False)
    finally:
        cores.put(mine)
    if done.returncode:
        print(f"{table} {method}: failed with exit code {done.returncode}; left out", file=sys.stderr)


def collect(scratch: Path) -> list[dict]:
    """The fits in the scratch folder, each with its row-by-row difference to the best on its table."""
    paths = [scratch / f"{table}.{method}.json" for table in TABLES for method in MODULES]
    fits = [json.loads(path.read_text()) for path in paths if path.exists()]
    for table in {one["table"] for one in fits}:
        group = [one for one in fits if one["table"] == table]
        if len({one["digest"] for one in group}) > 1:
            raise SystemExit(f"the fits of {table} saw different test rows: empty {scratch} and run again")
        rows = {one["method"]: np.load(scratch / f"{table}.{one['method']}.npy") for one in group}
        for one in group:
            others = [m for m in rows if m != one["method"] and m != OURS]
            rival = max(others, key=lambda m: np.nan_to_num(rows[m].mean(), nan=-np.inf), default=None)
            if rival is not None:
                gap = rows[one["method"]] - rows[rival]
                one["best_other"] = rival
                one["ahead"] = float(gap.mean())
                one["ahead_standard_error"] = float(gap.std(ddof=1) / np.sqrt(len(gap)))
    return fits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--python-ours", default=sys.executable)
    parser.add_argument("--python-torch", default=sys.executable)
    parser.add_argument("--python-flowjax", default=sys.executable)
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=TABLES)
    parser.add_argument("--methods", nargs="+", default=list(MODULES), choices=list(MODULES))
    parser.add_argument("--seconds", type=float, default=120.0, help="wall time of each fit")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--parallel", type=int, default=1, help="fits at a time")
    parser.add_argument("--schedule", choices=("constant", "cosine"), default="constant", help="of the peers")
    parser.add_argument("--reuse", action="store_true", help="keep the fits that the scratch folder has")
    parser.add_argument("--scratch", type=Path, default=HERE / "scratch")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    args = parser.parse_args()
    args.scratch.mkdir(parents=True, exist_ok=True)
    cores, load = core_sets(args), load_at_start()
    with ThreadPoolExecutor(args.parallel) as pool:
        jobs = [
            pool.submit(fit, method, table, cores, args) for table in args.tables for method in args.methods
        ]
        for job in jobs:
            job.result()
    args.results.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine(), "load": load, "fits": collect(args.scratch)}
    (args.results / "tables.json").write_text(json.dumps(found, indent=1) + "\n")
    write_report(args.results)


if __name__ == "__main__":
    main()
