"""Fit one detector to one split of one set, and save its figures.

fit_detector.py --method lof --set 38_thyroid --seed 0 --seconds 60 --threads 2 --out out.json
"""

import argparse
import importlib
import json
import os
import time
from pathlib import Path

MODULES = {
    "isolation-forest": "classical",
    "lof": "classical",
    "ocsvm": "classical",
    "ecod": "classical",
    "gmm": "classical",
    "pushforward": "ours",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--method", required=True, choices=list(MODULES))
    parser.add_argument("--set", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the flow's fit, compilation included")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cores", default="", help="comma-separated core numbers to stay on (Linux)")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in args.cores.split(",")})
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"):
        os.environ[name] = str(args.threads)
    # NumPy, scikit-learn and XLA read those when they are imported, which is now.
    from sets import area_under_curve, average_precision, load

    method = importlib.import_module(MODULES[args.method]).METHODS[args.method]
    split = load(args.set, args.seed)
    start = time.perf_counter()
    scores, about = method(split, args.seed, args.seconds)
    result = {
        "set": args.set,
        "method": args.method,
        "seed": args.seed,
        "rows": [len(split.train), len(split.test), int(split.anomalous.sum())],
        "columns_kept": split.train.shape[1],
        "budget": args.seconds,
        "threads": args.threads,
        "auroc": area_under_curve(scores, split.anomalous),
        "average_precision": average_precision(scores, split.anomalous),
        "seconds": round(time.perf_counter() - start, 2),
        "about": about,
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    part = args.out.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1) + "\n")
    part.replace(args.out)  # so that an interrupted run leaves no half file to be kept
    print(
        f"{args.set} {args.method} seed {args.seed}: AUROC {result['auroc']:.3f}, {result['seconds']:.0f} s"
    )


if __name__ == "__main__":
    main()
