"""Fit one method to one table under a time budget, and save what the report needs.

    fit_peer.py --method zuko-nsf --table protein --seconds 120 --threads 2 --out out.json

Writes out.json, and beside it out.npy with the log density of every test row (standardised units, nats).
"""

import argparse
import importlib
import json
import os
from pathlib import Path

MODULES = {
    "gaussian": "classical",
    "gmm": "classical",
    "zuko-nsf": "use_zuko",
    "zuko-maf": "use_zuko",
    "flowjax-coupling": "use_flowjax",
    "flowjax-autoregressive": "use_flowjax",
    "pushforward": "ours",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--method", required=True, choices=list(MODULES))
    parser.add_argument("--table", required=True)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cores", default="", help="comma-separated core numbers to stay on (Linux)")
    parser.add_argument("--schedule", choices=("constant", "cosine"), default="constant", help="of the peers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in args.cores.split(",")})
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"):
        os.environ[name] = str(args.threads)
    # NumPy, PyTorch and XLA read those when they are imported, which is now.
    import numpy as np
    from loop import Budget
    from splits import load

    method = importlib.import_module(MODULES[args.method]).METHODS[args.method]
    split = load(args.table)
    budget = Budget(args.seconds, args.threads, args.seed, args.schedule)
    log_prob, about = method(split, budget)
    seconds = budget.used()
    rows = np.asarray(log_prob(split.test), np.float64)
    result = {
        "method": args.method,
        "table": args.table,
        "rows": [len(split.train), len(split.validation), len(split.test)],
        "columns": split.test.shape[1],
        "jittered": split.jittered,
        "digest": split.digest(),
        "budget": args.seconds,
        "threads": args.threads,
        "schedule": args.schedule,
        "seconds": round(seconds, 1),
        "mean": float(rows.mean()),
        "standard_error": float(rows.std(ddof=1) / np.sqrt(len(rows))),
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.save(args.out.with_suffix(".npy"), rows)
    args.out.write_text(json.dumps(result | about, indent=1) + "\n")
    mean, error = result["mean"], result["standard_error"]
    print(f"{args.table} {args.method}: {mean:.3f} +- {error:.3f} in {seconds:.0f} s")


if __name__ == "__main__":
    main()
