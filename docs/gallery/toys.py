"""Densities of flows on toys.

One recipe, a neural spline flow, and one setting for all four laws of the plane. The laws have an exact
density, so every fit can be held against the least loss that any model could reach.
"""

import jax.random as jr
import numpy as np

import pushforward as pf
from pushforward import plots
from pushforward.data.toy import TOYS
from pushforward.diagnostics import field

LIMITS = ((-4.3, 4.3), (-4.3, 4.3))


def pictures(quick=False):
    names = ["checkerboard"] if quick else ["checkerboard", "rings", "pinwheel", "two_spirals"]
    rows, epochs, size = (300, 1, 40) if quick else (20_000, 25, 200)
    sizes = (
        {"layers": 1, "hidden": (8,), "bins": 4} if quick else {"layers": 4, "hidden": (64, 64), "bins": 16}
    )
    panels = []
    table = ["| law | entropy | loss on 10,000 new rows | gap |", "|---|---:|---:|---:|"]
    for name in names:
        toy = TOYS[name]
        x, unseen = toy.sample(jr.key(0), rows), toy.sample(jr.key(1), 300 if quick else 10_000)
        flow = pf.flows.nsf(jr.key(2), features=2, **sizes)
        optimizer = pf.Optimizer(learning_rate=4e-3, ema=0.99)
        fitted = pf.fit(
            flow, x, key=jr.key(3), batch_size=512, max_epochs=epochs, optimizer=optimizer, progress=False
        ).flow
        loss = -float(np.mean(fitted.log_prob(unseen)))
        label = name.replace("_", " ")
        table.append(f"| {label} | {toy.entropy:.3f} | {loss:.3f} | {loss - toy.entropy:.3f} |")
        exact, found = field(toy.log_prob, LIMITS, size=size), field(fitted.log_prob, LIMITS, size=size)
        top = 1.2 * exact.density.max()
        panels += [
            plots.Plane(f"{label}: rows", LIMITS, points=np.asarray(x[:6000])),
            plots.Plane("exact density", LIMITS, exact, top),
            plots.Plane("fitted flow", LIMITS, found, top),
            plots.Plane("draws of the flow", LIMITS, points=np.asarray(fitted.sample(jr.key(4), (6000,)))),
        ]
    yield (
        plots.planes(panels, columns=4, ticks=False, size=1.2),
        "Both densities of a law have the same shades, white at zero. What is hard shows: a flow is a "
        "continuous map of a round cloud without holes, so thin bridges stay where a law falls apart into "
        "pieces, and it blurs where a density breaks off.",
        "A row for each law: its rows as points, its exact density, the density of the fitted flow, and "
        "draws of the flow, which look alike.",
    )
    yield (
        "In nats a row; the gap estimates the Kullback-Leibler divergence from the law to the flow:\n\n"
        + "\n".join(table)
    )
