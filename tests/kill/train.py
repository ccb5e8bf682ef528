"""A training run that kills itself: train.py CHECKPOINT ROWS [never | CALL COUNT (before|after) | time SECONDS].

CALL is a function of `os`; the process kills itself at its COUNT-th call, before or after it is made. `time`
counts from the first check. ROWS is array, or source: a `RowSource`, in small chunks and without weights.
"""

import os
import signal
import sys
import threading
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import pushforward.training.checkpoint
import pushforward.training.feed
from pushforward.bijectors import BatchNorm, Bijector, Chain
from pushforward.distributions.flow import Flow
from pushforward.distributions.normal import StandardNormal
from pushforward.training import Optimizer, fit

sys.path.append(str(Path(__file__).parents[1]))
from row_sources import Groups

EPOCHS = 300


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
        kept = 1.0 if key is None else jr.bernoulli(key, 0.9, (2,)) / 0.9
        return (y - kept * self.shift) * jnp.exp(-self.log_scale), -jnp.sum(self.log_scale)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def die_in(call, count, when):
    """Replace a function of `os` by one that kills the process at its count-th call."""
    real, calls = getattr(os, call), []

    def deadly(*args, **kwargs):
        calls.append(args)
        if when == "before" and len(calls) == count:
            die()
        result = real(*args, **kwargs)
        if when == "after" and len(calls) == count:
            die()
        return result

    setattr(os, call, deadly)


def main(path, rows="array", how="never", *details):
    pushforward.training.checkpoint.SECONDS_BETWEEN = 0.0
    timer = threading.Timer(float(details[0]) if how == "time" else 0, die)
    if how not in ("never", "time"):
        die_in(how, int(details[0]), details[1])

    def progress(check):
        if how == "time" and not timer.is_alive():
            timer.start()

    x = np.random.default_rng(0).normal([3.0, -1.0], [2.0, 0.5], (1000, 2))
    weights = np.random.default_rng(1).uniform(size=1000)
    flow = Flow(StandardNormal((2,)), Chain([BatchNorm((2,)), Dropping(jnp.zeros(2), jnp.zeros(2))]))
    if rows == "source":
        pushforward.training.feed._CHUNK_ROWS = 300
        x, weights = Groups(np.split(x, [100, 400]), buffer=128), None
    fit(
        flow,
        x,
        key=jr.key(0),
        weights=weights,
        max_epochs=EPOCHS,
        optimizer=Optimizer(learning_rate=0.02),
        checkpoint=path,
        progress=progress,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
