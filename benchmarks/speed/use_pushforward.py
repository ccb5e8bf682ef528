"""Pushforward: `flows.realnvp`, `flows.nsf` with permutations between layers and `flows.maf`, through the public calls.

Training is timed twice: as `fit` runs it (whole epochs compiled, with its gradient clipping, average of
the weights and schedule; the clock is the history's own, from the second epoch on, so compilation is left out
and shuffling and validation are in), and as one jitted step per call, the way a user's own loop would.
"""

import math
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import pushforward as pf


def make_flow(workload):
    sizes = {"features": workload.features, "layers": workload.layers, "hidden": workload.hidden}
    if workload.autoregressive and workload.bins is None:
        return pf.flows.maf(jax.random.key(0), **sizes)
    if workload.autoregressive:
        return pf.flows.nsf(
            jax.random.key(0), bins=workload.bins, mixing="reverse", autoregressive=True, **sizes
        )
    if workload.bins is None:
        return pf.flows.realnvp(jax.random.key(0), **sizes)
    return pf.flows.nsf(jax.random.key(0), bins=workload.bins, mixing="permutation", **sizes)


def whole_fits(workload, rows, **options):
    """Steps as `fit` takes them."""
    flow = make_flow(workload)
    batches = len(rows) // workload.batch

    def fit(calls):
        epochs = 1 + -(-calls // batches)
        result = pf.fit(
            flow,
            rows[: batches * workload.batch],
            key=jax.random.key(1),
            validation=rows[: workload.batch],
            batch_size=workload.batch,
            max_epochs=epochs,
            patience=math.inf,
            progress=False,
            **options,
        )
        steps, seconds = result.history.step, result.history.seconds
        return (seconds[-1] - seconds[0]) / (steps[-1] - steps[0]) * calls

    return fit


def build(workload, rows, compiled):
    flow = make_flow(workload)
    data = jnp.asarray(rows)

    def density(calls):
        for _ in range(calls):
            flow.log_prob(data[: workload.rows]).block_until_ready()

    def draw(calls):
        for call in range(calls):
            flow.sample(jax.random.key(call), (workload.rows,)).block_until_ready()

    one = single_steps(flow, data, workload.batch)
    fit = whole_fits(workload, rows)
    return {"training step": fit, "training step, one call": one, "density": density, "sampling": draw}


def single_steps(flow, data, batch):
    params, static = eqx.partition(flow, eqx.is_inexact_array)
    leaves, structure = jax.tree.flatten(params)
    optimizer = optax.adam(1e-3)

    @partial(jax.jit, donate_argnums=(1, 2))
    def take_step(data, leaves, state, chosen):
        def loss(leaves):
            flow = eqx.combine(jax.tree.unflatten(structure, leaves), static)
            return -flow.log_prob(data[chosen]).mean()

        updates, state = optimizer.update(jax.grad(loss)(leaves), state, leaves)
        return optax.apply_updates(leaves, updates), state

    fitted = [jnp.copy(leaf) for leaf in leaves], optimizer.init(leaves)
    rng = np.random.default_rng(0)
    batches = len(data) // batch

    def step(calls):
        nonlocal fitted
        for call in range(calls):
            if call % batches == 0:
                order = rng.permutation(len(data)).astype(np.int32)
            start = call % batches * batch
            fitted = take_step(data, *fitted, order[start : start + batch])
        jax.block_until_ready(fitted)

    return step
