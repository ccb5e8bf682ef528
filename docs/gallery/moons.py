"""RealNVP learns two moons.

Eight affine couplings start as the identity, so that the flow is a standard normal at first. Training lowers
the mean negative log-likelihood of the rows. No model can get below the entropy of the data's law, which is
known here, so the gap to it is the Kullback-Leibler divergence that is left.
"""

import itertools
import math

import jax.random as jr
import numpy as np

import pushforward as pf
from pushforward import plots
from pushforward.data import toy
from pushforward.diagnostics import field

LIMITS = ((-4.2, 4.2), (-3.6, 3.6))


def pictures(quick=False):
    rows, epochs, layers = (300, 2, 2) if quick else (20_000, 60, 8)
    x, held_out = toy.moons(jr.key(0), rows), toy.moons(jr.key(1), rows // 2)
    sizes = {"layers": layers, "hidden": (64, 64), "activation": "tanh", "bound": 1.0}
    start = pf.flows.realnvp(jr.key(0), features=2, **sizes)
    result = pf.fit(
        start,
        x,
        key=jr.key(3),
        validation=held_out,
        batch_size=512,
        max_epochs=epochs,
        patience=math.inf,
        optimizer=pf.Optimizer(learning_rate=3e-3, ema=0.995),
        progress=False,
    )
    flow, history = result.flow, result.history
    size = 40 if quick else 240
    laws = {
        "before training": start.log_prob,
        "after training": flow.log_prob,
        "the exact density": toy.moons_log_prob,
    }
    panels = [plots.Plane("the rows", LIMITS, points=np.asarray(x[:5000]))]
    panels += [plots.Plane(name, LIMITS, field(law, LIMITS, size=size)) for name, law in laws.items()]
    yield (
        plots.planes(panels, columns=2, aspect=0.86, ticks=False, scale="density"),
        "A quarter of the rows, and three densities with one scale of shades. The thin thread that is left "
        "between the moons is no accident: a continuous map cannot tear a cloud in two, it can only make the "
        "connection thin.",
        "Four panels: points in two half circles, a round density, two sharp half circles, and the same from "
        "the exact formula.",
    )

    yield (
        plots.training_curves(
            history.epoch,
            history.train_loss,
            history.validation_loss,
            references={"entropy": toy.TOYS["moons"].entropy},
            reference_side="left",
            title=f"{result.steps} steps in {epochs} epochs",
        ),
        f"From {history.train_loss[0]:.3f} nats in the first epoch to {result.best_validation_loss:.3f} on "
        f"rows that were held out; the law's entropy is {toy.TOYS['moons'].entropy:.3f}.",
        "Training and validation loss fall steeply and settle a little above the dashed line of the entropy.",
    )

    z = jr.normal(jr.key(4), (200 if quick else 3000, 2))
    quadrants = np.asarray(2 * (z[:, 0] > 0) + (z[:, 1] > 0))
    stages = [np.asarray(stage) for stage in flow.intermediates(z)]
    moved = ["x2" if np.array_equal(a[:, 0], b[:, 0]) else "x1" for a, b in itertools.pairwise(stages)]
    titles = ["the base", *(f"layer {k}: {which} moves" for k, which in enumerate(moved, 1))]
    reach = 2 * ((-5.2, 5.2),)
    yield (
        plots.planes(
            [
                plots.Plane(title, reach, points=stage, groups=quadrants)
                for title, stage in zip(titles, stages, strict=True)
            ],
            columns=3,
            ticks=False,
        ),
        "Draws from the base on their way through the layers, `flow.intermediates(z)`, coloured by the "
        "quadrant that they start in. Points that start together stay together: the map is continuous, and "
        "no point passes through another.",
        "Nine panels of coloured points: a round cloud of four quadrants is pulled apart layer by layer into "
        "two moons.",
    )
    few = slice(0, 100 if quick else 1200)
    yield (
        plots.flow_animation(
            [stage[few] for stage in stages], quadrants[few], titles, limits=reach, steps=2 if quick else 6
        ),
        "The same in motion, one coordinate at a time.",
        "An animation of the coloured points moving up and down, then left and right, in turn, until they "
        "form two moons.",
    )
