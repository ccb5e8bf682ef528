"""Fit the toy densities of the plane with one flow of each family, and compare with the least loss possible.

    python benchmarks/run_toys.py [--seconds 60] [--toys moons ...] [--flows nsf ...]

Every fit has the same seconds, compilation included, on 100,000 rows drawn from the toy; the gap is the mean of
log p(x) - log q(x) over 20,000 fresh rows, an estimate of the divergence KL(p | q). Writes results/toys.json, to which
later runs add, and RESULTS.md.
"""

import argparse
import json
import math
import time
from pathlib import Path

import jax.random as jr
import numpy as np

import pushforward as pf
from pushforward.data.toy import TOYS
from report import load_at_start, machine, write_report

FLOWS = {
    "realnvp": ("realnvp", {"layers": 12, "hidden": (64, 64)}),
    "nsf": ("nsf", {"layers": 6, "hidden": (64, 64), "bins": 16, "autoregressive": True}),
    "maf": ("maf", {"layers": 10, "hidden": (64, 64)}),
    "residual flow": ("residual_flow", {"layers": 8, "hidden": (32, 32)}),
    "ffjord": ("ffjord", {"hidden": (128, 128)}),
}
RATES = {"residual flow": 1e-2}
"""Learning rates other than 2e-3: a step of the residual flow is dear, so it takes larger ones."""
OBJECTIVES = {"ffjord": pf.objectives.flow_matching}
"""What flows are trained by, if not by the likelihood: the table's figures are likelihoods in any case."""
ROWS, FRESH = 100_000, 20_000
SCALE = 2.0
"""The toys reach to about 4; flows see them divided by this."""


def fit(toy_name: str, flow_name: str, seconds: float) -> dict:
    toy, (data, weights, training, fresh) = TOYS[toy_name], jr.split(jr.key(7), 4)
    recipe, arguments = FLOWS[flow_name]
    flow = pf.flows.get(recipe)(weights, features=2, **arguments)
    x, test = np.asarray(toy.sample(data, ROWS)) / SCALE, np.asarray(toy.sample(fresh, FRESH))
    start = time.perf_counter()
    result = pf.fit(
        flow,
        x,
        key=training,
        batch_size=512,
        max_seconds=seconds,
        objective=OBJECTIVES.get(flow_name, pf.objectives.negative_log_likelihood),
        optimizer=pf.Optimizer(learning_rate=RATES.get(flow_name, 2e-3)),
        progress=False,
    )
    spent = time.perf_counter() - start
    log_prob = np.asarray(result.flow.log_prob(test / SCALE), np.float64) - 2 * math.log(SCALE)
    gaps = np.asarray(toy.log_prob(test), np.float64) - log_prob
    return {
        "toy": toy_name,
        "flow": flow_name,
        "arguments": arguments,
        "entropy": toy.entropy,
        "test": float(log_prob.mean()),
        "gap": float(gaps.mean()),
        "standard_error": float(gaps.std() / math.sqrt(len(gaps))),
        "seconds": round(spent, 1),
        "steps": result.steps,
        "stopped": result.stopped,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--toys", nargs="+", default=sorted(TOYS), choices=sorted(TOYS))
    parser.add_argument("--flows", nargs="+", default=list(FLOWS), choices=list(FLOWS))
    parser.add_argument("--results", type=Path, default=Path(__file__).resolve().parent / "results")
    args = parser.parse_args()
    file = args.results / "toys.json"
    load = load_at_start()
    fits = json.loads(file.read_text())["fits"] if file.exists() else []
    for toy in args.toys:
        for flow in args.flows:
            one = fit(toy, flow, args.seconds)
            fits = [other for other in fits if (other["toy"], other["flow"]) != (toy, flow)] + [one]
            print(f"{toy:16s} {flow:14s} gap {one['gap']:.3f} ± {one['standard_error']:.3f}", flush=True)
            found = {"machine": machine(), "load": load, "seconds": args.seconds, "fits": fits}
            file.write_text(json.dumps(found, indent=1) + "\n")
    write_report(args.results)


if __name__ == "__main__":
    main()
