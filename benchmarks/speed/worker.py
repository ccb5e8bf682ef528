"""One library in one process, timed on request.

    worker.py LIBRARY [--threads 2] [--cores 0,1] [--gpu] [--compile]    serve requests, one JSON object per line
    worker.py LIBRARY --cold WORKLOAD                            build, take one training step, leave

Requests: {"do": "prepare", "workload": NAME, "jobs": [NAMES] or none for all} -> {"seconds", "jobs"}
          {"do": "run", "job": NAME, "calls": n} -> {"seconds": mean seconds per call}
          {"do": "versions"}                             -> versions by package
"""

import argparse
import importlib
import json
import os
import sys
import time
from importlib.metadata import PackageNotFoundError, version

ONE_CALL = "training step, one call"
PACKAGES = ("pushforward", "flowjax", "zuko", "nflows", "normflows", "torch", "jax", "equinox", "numpy")


def versions() -> dict[str, str]:
    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def serve(module, compiled: bool, channel) -> None:
    from workloads import SCALING, WORKLOADS, training_rows

    jobs = {}
    for line in sys.stdin:
        request = json.loads(line)
        start = time.perf_counter()
        if request["do"] == "prepare":
            workload = (WORKLOADS | SCALING)[request["workload"]]
            jobs = module.build(workload, training_rows(workload), compiled)
            # The PyTorch libraries have no loop of their own; their users' one is measured beside each.
            if jobs:
                jobs.setdefault(ONE_CALL, jobs["training step"])
            jobs = {name: job for name, job in jobs.items() if name in request.get("jobs", jobs)}
            for job in jobs.values():
                job(2)  # compiles, and fills caches
            reply = {"seconds": time.perf_counter() - start, "jobs": list(jobs)}
        elif request["do"] == "versions":
            reply = versions()
        else:
            # A job may time itself (training inside a library's own loop); otherwise the clock is here.
            own = jobs[request["job"]](request["calls"])
            spent = time.perf_counter() - start
            reply = {"seconds": (spent if own is None else own) / request["calls"]}
        print(json.dumps(reply), file=channel, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cores", default="", help="comma-separated core numbers to stay on (Linux)")
    parser.add_argument("--gpu", action="store_true", help="on the first GPU of CUDA")
    parser.add_argument("--compile", action="store_true", help="torch.compile the loss and log_prob")
    parser.add_argument("--cold", default="")
    args = parser.parse_args()
    if args.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in args.cores.split(",")})
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(args.threads)
    os.environ["NPROC"] = str(args.threads)  # the size of XLA's thread pool
    os.environ["JAX_PLATFORMS"] = "cuda,cpu" if args.gpu else "cpu"
    if args.gpu:  # spares FlowJAX minutes of compiling and us nothing: `fit` and `log_prob` say so themselves
        os.environ["XLA_FLAGS"] = "--xla_gpu_enable_triton_gemm=false"
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # all libraries share the memory
    os.environ["TORCH_DEVICE"] = "cuda" if args.gpu else "cpu"
    # Whatever a library prints goes to stderr: stdout carries the protocol alone.
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module = importlib.import_module(f"use_{args.library}")
    if args.cold:
        from workloads import WORKLOADS, training_rows

        workload = WORKLOADS[args.cold]
        jobs = module.build(workload, training_rows(workload), args.compile)
        jobs.get(ONE_CALL, jobs["training step"])(1)
        print("done", file=channel, flush=True)
    else:
        serve(module, args.compile, channel)


if __name__ == "__main__":
    main()
