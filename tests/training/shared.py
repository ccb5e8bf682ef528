"""A training run on several devices: shared.py OUT [PROCESS PROCESSES PORT].

Writes to OUT.PROCESS.json what came out: from arrays, from a source, and of independent rows; by one device (if there
is one process), by all of them, by all resumed from the end, and under a time limit.
"""

import json
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

from pushforward.bijectors import BatchNorm, Bijector, Chain
from pushforward.distributions.flow import Flow
from pushforward.distributions.normal import StandardNormal
from pushforward.training import Optimizer, fit
from row_sources import Groups


class Dropping(Bijector):
    """x = exp(log_scale) z + shift, where training drops the shift at random."""

    log_scale: jax.Array
    shift: jax.Array
    in_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    context_shape: None = eqx.field(static=True, default=None)
    cheap: str = eqx.field(static=True, default="both")

    def forward_and_log_det(self, x, context=None, *, key=None):
        return x * jnp.exp(self.log_scale) + self.shift, jnp.sum(self.log_scale)

    def inverse_and_log_det(self, y, context=None, *, key=None):
        kept = 1.0 if key is None else jr.bernoulli(key, 0.5, (2,)) / 0.5
        return (y - kept * self.shift) * jnp.exp(-self.log_scale), -jnp.sum(self.log_scale)


def flow_of(normed):
    # The other way round the shift's gradient would be rounding alone, which Adam blows up to full steps.
    layer = Dropping(jnp.zeros(2), jnp.full(2, 0.5))
    return Flow(StandardNormal((2,)), Chain([layer, BatchNorm((2,))] if normed else [layer]))


def run(rows, devices, checkpoint=None, normed=True, **options):
    """Train; return what to compare, and the flow's arrays."""
    # Skewed: the statistics of a part of a batch are others. 1000 rows in batches of 250, which 4 cannot share alike.
    x = np.random.default_rng(0).gamma(1.5, size=(1000, 2)).astype(np.float32) * [3.0, 1.0]
    weights = np.random.default_rng(1).uniform(size=1000)
    validation = x[:30] if rows == "array" else 0
    if rows == "source":
        x, weights = Groups(np.split(x, [100, 400]), buffer=128), None
    shown = []
    options = {"weights": weights, "validation": validation, "max_epochs": 8} | options
    result = fit(
        flow_of(normed),
        x,
        key=jr.key(0),
        batch_size=250,
        optimizer=Optimizer(learning_rate=0.02),
        checkpoint=checkpoint,
        progress=shown.append,
        devices=devices,
        **options,
    )
    arrays = jax.tree.leaves(eqx.filter(result.flow, eqx.is_inexact_array))
    report = {"steps": result.steps, "shown": len(shown), "stopped": result.stopped}
    report["arrays"] = [np.asarray(array).tolist() for array in arrays]
    return report | {"train_loss": result.history.train_loss, "validation": result.history.validation_loss}


def main(out, process=0, processes=1, port=0):
    process, several = int(process), int(processes) > 1
    if several:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(f"localhost:{port}", int(processes), process)
    reports = {"devices": jax.device_count()}
    for rows in ("array", "source"):
        if not several:
            reports[f"{rows} alone"] = run(rows, None)
        checkpoint = f"{out}.{rows}.ckpt"
        reports[f"{rows} shared"] = run(rows, "all", checkpoint)
        reports[f"{rows} again"] = run(rows, "all", checkpoint)
    # Without a layer that needs the whole batch each device takes the gradient of its own rows.
    for which, devices in (("alone", None), ("shared", "all")):
        if which == "shared" or not several:
            reports[f"independent {which}"] = run("array", devices, normed=False)
    reports["timed"] = run("source", "all", max_seconds=1.0, max_epochs=None)
    Path(f"{out}.{process}.json").write_text(json.dumps(reports))


if __name__ == "__main__":
    main(*sys.argv[1:])
