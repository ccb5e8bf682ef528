"""The cores that fits run on, when each has a process of its own."""

import argparse
import os
import queue


def core_sets(args: argparse.Namespace) -> queue.Queue:
    """As many groups of `threads` cores as fits run at once; empty groups where pinning is not possible."""
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if args.parallel * args.threads > len(available or range(os.cpu_count() or 1)):
        raise SystemExit(f"--parallel {args.parallel} with {args.threads} threads each needs more cores")
    groups = queue.Queue()
    for i in range(args.parallel):
        groups.put(",".join(str(core) for core in available[i * args.threads : (i + 1) * args.threads]))
    return groups
