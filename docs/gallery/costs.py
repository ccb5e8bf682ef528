"""What each direction costs: MAF and IAF.

An autoregressive layer is fast in one direction: all elements in one pass of the network. In the other, each
element has to wait for those before it. A masked autoregressive flow (MAF) puts the fast direction on the
density, an inverse autoregressive flow (IAF) on sampling; a coupling flow is fast both ways, for a layer that
does less. So whoever trains by maximum likelihood wants a MAF, and whoever draws in every step, as in
variational inference, an IAF.

The slow direction is not as slow here as the textbook's `D` passes: [Sampling from MAFs](../inverting.md)
says why.
"""

import time

import jax
import jax.random as jr

import pushforward as pf
from pushforward import plots

ALONE = True
ROWS = 1000


def pictures(quick=False):
    sizes = (4, 8) if quick else (4, 16, 64, 128)
    recipes = {
        "MAF": lambda **sizes: pf.flows.maf(**sizes, fast="density"),
        "IAF": lambda **sizes: pf.flows.maf(**sizes, fast="sampling"),
        "RealNVP": pf.flows.realnvp,
    }
    hidden = (16,) if quick else (128, 128)
    panels = {"log_prob": {}, "sample": {}}
    for name, recipe in recipes.items():
        timed = [
            times(recipe(key=jr.key(0), features=size, layers=4, hidden=hidden), quick) for size in sizes
        ]
        for panel, numbers in zip(panels, zip(*timed, strict=True), strict=True):
            panels[panel][name] = [1000 * seconds for seconds in numbers]
    yield (
        plots.cost_curves(sizes, panels, cost_name=f"milliseconds for {ROWS} rows"),
        f"The least of several runs on {jax.devices()[0].platform.upper()} of the machine that built this "
        "page, compilation left out, for four layers with two hidden layers of 128 units. The times depend "
        "on the machine; which curve is above which, and how fast it rises, does so much less.",
        "Two panels of time against the number of features: for log_prob MAF is below IAF, for sample it is "
        "the other way round, and RealNVP is low in both.",
    )


def times(flow, quick):
    """The seconds of log_prob and of sample."""
    x = jr.normal(jr.key(1), (ROWS, *flow.event_shape))
    calls = (lambda: flow.log_prob(x), lambda: flow.sample(jr.key(2), (ROWS,)))
    return [least(call, 1 if quick else 15) for call in calls]


def least(call, repeats):
    jax.block_until_ready(call())  # compiles
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(call())
        found.append(time.perf_counter() - start)
    return min(found)
