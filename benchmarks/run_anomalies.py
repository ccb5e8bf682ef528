"""Detectors of anomalies on the ADBench sets; write results/anomalies.json and RESULTS.md.

    python benchmarks/run_anomalies.py --python-torch .venvs/peers-torch/bin/python --seconds 60

One process per fit, `--parallel k` at a time. What the scratch folder holds is kept, so a run that was interrupted, or
one of more sets or seeds, does only the rest; `--again` forgets it, but not the compiled programs: a second run gives
the flows of the first split their whole time. `anomalies/sets.py` says how rows are split.
"""

import argparse
import json
import os
import queue
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent / "anomalies"))

from fit_detector import MODULES
from sets import names

from cores import core_sets
from report import load_at_start, machine, write_report

HERE = Path(__file__).resolve().parent
OURS = "pushforward"


def fit(method: str, name: str, seed: int, cores: queue.Queue, args: argparse.Namespace) -> None:
    """Run one fit in its own process, unless it is done."""
    out = args.scratch / f"{name}.{method}.{seed}.json"
    if out.exists() and not args.again:
        return
    python = args.python_ours if method == OURS else args.python_torch
    mine = cores.get()
    try:
        options = ["--method", method, "--set", name, "--seed", seed, "--seconds", args.seconds]
        options += ["--threads", args.threads, "--cores", mine, "--out", out]
        done = subprocess.run(
            [python, HERE / "anomalies" / "fit_detector.py", *map(str, options)], check=False
        )
    finally:
        cores.put(mine)
    if done.returncode:
        print(f"{name} {method} {seed}: failed with exit code {done.returncode}; left out", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--python-ours", default=sys.executable)
    parser.add_argument("--python-torch", default=sys.executable, help="a Python with scikit-learn")
    parser.add_argument("--sets", nargs="+", default=names(), choices=names())
    parser.add_argument("--methods", nargs="+", default=list(MODULES), choices=list(MODULES))
    parser.add_argument("--seeds", type=int, default=5, help="how many splits")
    parser.add_argument("--seconds", type=float, default=60.0, help="wall time of each fit of a flow")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=1, help="fits at a time")
    parser.add_argument("--again", action="store_true", help="forget the fits that the scratch folder has")
    parser.add_argument("--scratch", type=Path, default=HERE / "scratch" / "anomalies")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    args = parser.parse_args()
    args.scratch.mkdir(parents=True, exist_ok=True)
    cores, load = core_sets(args), load_at_start()
    # All splits of a set share their shapes: their programs are compiled in the first one alone.
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(args.scratch.absolute() / "programs"))
    with ThreadPoolExecutor(args.parallel) as pool:
        jobs = [
            pool.submit(fit, method, name, seed, cores, args)
            for seed in range(args.seeds)
            for name in args.sets
            for method in args.methods
        ]
        for job in jobs:
            job.result()
    fits = [json.loads(path.read_text()) for path in sorted(args.scratch.glob("*.json"))]
    args.results.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine(), "load": load, "fits": fits}
    (args.results / "anomalies.json").write_text(json.dumps(found, indent=1) + "\n")
    write_report(args.results)


if __name__ == "__main__":
    main()
