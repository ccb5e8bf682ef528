"""Time the workloads in every library, interleaved in one run, and write results/speed.json and RESULTS.md.

    python benchmarks/run_speed.py --python-torch .venvs/peers-torch/bin/python \
        --python-flowjax .venvs/peers-flowjax/bin/python

Each library lives in its own process and waits on its standard input; only one works at a time. In every
round each job runs once in each library, in rotating order, for about `--block` seconds. Reported: the median
over rounds of the seconds per call, and of the ratio to Pushforward in the same round.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from report import DEVICES, OURS, STEP, TORCH, load_at_start, machine, write_report
from speed.workloads import SCALING, WORKLOADS

HERE = Path(__file__).resolve().parent
LIBRARIES = (OURS, DEVICES, "flowjax", *TORCH)


class Worker:
    """One library's process."""

    def __init__(self, name: str, args: argparse.Namespace):
        library = name.removesuffix(" (torch.compile)")
        extra = ["--compile"] if library != name else []
        self.name = name
        self.process = subprocess.Popen(
            command(library, args) + extra, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **request) -> dict:
        """Send one request and wait for the reply."""
        self.send(**request)
        return self.reply()

    def send(self, **request) -> None:
        """Send one request; the next `reply` is the one to it."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def reply(self) -> dict:
        """Wait for the reply to the last request."""
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} died while it was asked something; its message is above")
        return json.loads(line)

    def close(self) -> None:
        """End the process by closing its input."""
        self.process.stdin.close()
        self.process.wait(timeout=60)


def command(library: str, args: argparse.Namespace) -> list[str]:
    python = args.python_ours if library in (OURS, DEVICES) else args.python_flowjax
    python = args.python_torch if library in TORCH else python
    options = ["--threads", str(args.threads), "--cores", args.cores]
    options += ["--gpu"] if args.gpu else []
    return [python, str(HERE / "speed" / "worker.py"), library, *options]


def time_workload(
    workload: str, workers: list[Worker], args: argparse.Namespace, jobs: list[str] | None = None
) -> list[dict]:
    """One record per job, all or those named, and library: the seconds per call in each round."""
    request = {"do": "prepare", "workload": workload} | ({} if jobs is None else {"jobs": jobs})
    for worker in workers:  # all compile at once; nothing is timed yet
        worker.send(**request)
    prepared = {worker.name: worker.reply() for worker in workers}
    jobs = list(dict.fromkeys(job for reply in prepared.values() for job in reply["jobs"]))
    records, most = [], (WORKLOADS | SCALING)[workload].rounds or args.rounds
    for job in jobs:
        able = [worker for worker in workers if job in prepared[worker.name]["jobs"]]
        able = [worker for worker in able if worker.name != DEVICES or job == STEP]
        first = {worker.name: worker.ask(do="run", job=job, calls=2)["seconds"] for worker in able}
        calls = {name: max(1, min(1000, round(args.block / seconds))) for name, seconds in first.items()}
        rounds = {worker.name: [] for worker in able}
        for i in range(min(args.rounds, most)):
            for worker in able[i % len(able) :] + able[: i % len(able)]:
                reply = worker.ask(do="run", job=job, calls=calls[worker.name])
                rounds[worker.name].append(reply["seconds"])
        for name, seconds in rounds.items():
            records.append({"workload": workload, "job": job, "library": name, "seconds": seconds})
            print(
                f"{workload:12s} {job:24s} {name:24s} {statistics.median(seconds) * 1e3:9.2f} ms", flush=True
            )
    return records


def time_cold_starts(workload: str, libraries: list[str], args: argparse.Namespace) -> list[dict]:
    """From starting a fresh process to the end of the first training step: import, build, compile, step."""
    rounds = {library: [] for library in libraries}
    for i in range(args.cold_rounds):
        for library in libraries[i % len(libraries) :] + libraries[: i % len(libraries)]:
            start = time.perf_counter()
            subprocess.run(
                [*command(library, args), "--cold", workload], check=True, stdout=subprocess.DEVNULL
            )
            rounds[library].append(time.perf_counter() - start)
    job = "import, build, first step"
    for library, seconds in rounds.items():
        print(f"{workload:12s} {job:24s} {library:24s} {statistics.median(seconds):9.2f} s", flush=True)
    return [{"workload": workload, "job": job, "library": k, "seconds": v} for k, v in rounds.items()]


def options(description: str) -> argparse.ArgumentParser:
    """What every comparison of speed is asked on its command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--python-ours", default=sys.executable)
    parser.add_argument("--python-torch", default=sys.executable)
    parser.add_argument("--python-flowjax", default=sys.executable)
    parser.add_argument("--libraries", nargs="+", default=list(LIBRARIES), choices=LIBRARIES)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--block", type=float, default=0.5, help="seconds per job, library and round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cores", default="", help="cores that all libraries share, such as 0,1 (Linux)")
    parser.add_argument("--gpu", action="store_true", help="on the first GPU of CUDA, in all libraries")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    return parser


def pin(args: argparse.Namespace) -> None:
    """Choose the cores: XLA sizes its pools by those it may use, so pinning makes the thread counts equal."""
    if not args.cores and not args.gpu and hasattr(os, "sched_getaffinity"):
        args.cores = ",".join(str(core) for core in sorted(os.sched_getaffinity(0))[: args.threads])


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--workloads", nargs="+", default=list(WORKLOADS), choices=list(WORKLOADS))
    parser.add_argument("--cold-rounds", type=int, default=3)
    parser.add_argument(
        "--compile", action="store_true", help="also time torch.compile'd steps (slow to start)"
    )
    args = parser.parse_args()
    pin(args)
    if args.gpu:
        args.libraries = [name for name in args.libraries if name != DEVICES]  # those are a CPU's cores
    load = load_at_start()
    compiled = [f"{name} (torch.compile)" for name in args.libraries if name in TORCH] if args.compile else []
    workers = [Worker(name, args) for name in [*args.libraries, *compiled]]
    try:
        records = [r for workload in args.workloads for r in time_workload(workload, workers, args)]
        found = [worker.ask(do="versions") for worker in workers]
    finally:
        for worker in workers:
            worker.close()
    for workload in args.workloads:
        if args.cold_rounds and not WORKLOADS[workload].autoregressive:
            records += time_cold_starts(workload, [name for name in args.libraries if name != DEVICES], args)
    versions = {package: number for reply in found for package, number in reply.items()}
    write_records("speed-gpu" if args.gpu else "speed", records, versions, load, args)


def write_records(name: str, records: list[dict], versions: dict, load: float | None, args) -> None:
    """Write what was measured, with where and how, and RESULTS.md anew. What other workloads have stays."""
    path = args.results / f"{name}.json"
    measured = {record["workload"] for record in records}
    kept, runs = [], {}
    if path.exists():
        found = json.loads(path.read_text())
        kept = [record for record in found["records"] if record["workload"] not in measured]
        runs = {workload: run for workload, run in found["runs"].items() if workload not in measured}
    run = {
        "machine": machine(graphics=args.gpu),
        "threads": args.threads,
        "rounds": args.rounds,
        "load": load,
    }
    runs |= dict.fromkeys(sorted(measured), run | {"day": time.strftime("%Y-%m-%d"), "versions": versions})
    args.results.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"runs": runs, "records": kept + records}, indent=1) + "\n")
    write_report(args.results)


if __name__ == "__main__":
    main()
