"""A training run on several devices: shared.py OUT ROWS DEVICES [PROCESS PROCESSES PORT].

ROWS is array or source. DEVICES is none or all. Writes the flow's arrays and what was reported.
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

from row_sources import Groups  # noqa: E402

from pushforward.bijectors import BatchNorm, Bijector, Chain  # noqa: E402
from pushforward.distributions.flow import Flow  # noqa: E402
from pushforward.distributions.normal import StandardNormal  # noqa: E402
from pushforward.training import Optimizer, fit  # noqa: E402


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


def flow_of():
    # The other way round the shift's gradient would be rounding alone, which Adam blows up to full steps.
    return Flow(StandardNormal((2,)), Chain([Dropping(jnp.zeros(2), jnp.full(2, 0.5)), BatchNorm((2,))]))


def main(out, rows, devices, process=0, processes=1, port=0):
    process = int(process)
    if int(processes) > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(f"localhost:{port}", int(processes), process)
    # Skewed: the statistics of a part of a batch are others.
    x = np.random.default_rng(0).gamma(1.5, size=(1030, 2)).astype(np.float32) * [3.0, 1.0]
    weights = np.random.default_rng(1).uniform(size=1030)
    if rows == "source":
        x, weights = Groups(np.split(x, [100, 400]), buffer=128), None
    shown = []
    result = fit(
        flow_of(),
        x,
        key=jr.key(0),
        weights=weights,
        batch_size=250,
        validation=x[:30] if rows == "array" else 0,
        max_epochs=8,
        optimizer=Optimizer(learning_rate=0.02),
        checkpoint=f"{out}.ckpt",
        progress=shown.append,
        devices={"none": None, "all": "all"}[devices],
    )
    arrays = jax.tree.leaves(eqx.filter(result.flow, eqx.is_inexact_array))
    report = {
        "process": process,
        "devices": jax.device_count(),
        "steps": result.steps,
        "shown": len(shown),
        "best": result.best_epoch,
    }
    np.savez(f"{out}.{process}.npz", *map(np.asarray, arrays), report=json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
