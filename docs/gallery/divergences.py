"""Forward against reverse Kullback-Leibler divergence.

There are two ways to fit a law `q` to a target `p`. With draws from `p`, maximum likelihood lowers `KL(p ||
q)`, the mean of `log p - log q` under `p`: where `p` has mass, `q` must have some too, so a `q` that is too
simple spreads over everything. With a formula for `p` and draws from `q`, one lowers `KL(q || p)`, the mean
of `log q - log p` under `q`: where `p` has no mass, `q` must have none, so a `q` that is too simple settles
in one mode, and which one depends on the start.

Both are shown for a Gaussian, which is too simple, and for a flow, which is not.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

import pushforward as pf
from pushforward import plots
from pushforward.diagnostics import field
from pushforward.distributions import MultivariateNormal, NormalMixture

LIMITS = ((-5.5, 5.5), (-4.4, 4.4))


def pictures(quick=False):
    covariances = [[[0.7, 0.35], [0.35, 0.5]], [[0.4, -0.25], [-0.25, 0.8]]]
    target = NormalMixture([0.6, 0.4], [[-2.1, -0.9], [2.1, 1.0]], covariances)
    steps, size = (3, 60) if quick else (1500, 240)
    x = target.sample(jr.key(0), (300 if quick else 20_000,))

    def gaussian(mean):
        return MultivariateNormal(jnp.asarray(mean), 0.5 * jnp.eye(2))

    flow = pf.flows.nsf(jr.key(1), features=2, layers=4, hidden=(32, 32), bins=8)
    fits = {
        "Gaussian, forward": forward(gaussian([0.0, 0.0]), x, steps),
        "Gaussian, reverse, from the left": reverse(gaussian([-2.0, 0.0]), target, steps),
        "Gaussian, reverse, from the right": reverse(gaussian([2.0, 0.0]), target, steps),
        "flow, forward": forward(flow, x, steps),
        "flow, reverse": reverse(flow, target, steps),
    }
    p = field(target.log_prob, LIMITS, size=size)
    panels = [plots.Plane("the target p", LIMITS, p)]
    table = ["| q | forward KL | reverse KL |", "|---|---:|---:|"]
    for name, law in fits.items():
        q = field(law.log_prob, LIMITS, size=size)
        panels.append(plots.Plane(name, LIMITS, q))
        table.append(f"| {name} | {divergence(p, q):.3f} | {divergence(q, p):.3f} |")
    yield (
        plots.planes(panels, columns=3, aspect=0.82, scale="density", ticks=False),
        "One target, five fits, one scale of shades. Forward, the Gaussian covers both modes and puts mass "
        "between them, where the target has none. In reverse it fits one mode well and does not know of the "
        "other. A flow can follow the target, and then both divergences lead to the same place.",
        "Six panels: a target with two modes; a wide Gaussian over both; a narrow one on the left mode; one "
        "on the right; and two flows that look like the target.",
    )
    yield (
        "Both divergences of every fit, in nats, by the midpoint rule on the shown rectangle:\n\n"
        + "\n".join(table)
    )


def forward(law, x, steps):
    """Maximum likelihood."""
    epochs = max(1, steps * 256 // len(x))
    return pf.fit(
        law, x, key=jr.key(2), max_epochs=epochs, optimizer=pf.Optimizer(3e-3, ema=0.99), progress=False
    ).flow


@eqx.filter_jit
def reverse(law, target, steps):
    """The mean of log q - log p over draws from q, lowered by Adam with gradients through the draws."""
    params, fixed = eqx.partition(law, eqx.is_inexact_array)
    optimizer = optax.adam(optax.cosine_decay_schedule(3e-3, steps))

    def loss(params, key):
        x, log_q = eqx.combine(params, fixed).sample_and_log_prob(key, (256,))
        return jnp.mean(log_q - target.log_prob(x))

    def step(carry, key):
        params, state = carry
        updates, state = optimizer.update(jax.grad(loss)(params, key), state)
        return (optax.apply_updates(params, updates), state), None

    (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), jr.split(jr.key(3), steps))
    return eqx.combine(params, fixed)


def divergence(p, q):
    """KL(p || q) of two densities on the same grid."""
    (left, right), (low, high) = p.limits
    safe = np.maximum(p.density, 1e-300), np.maximum(q.density, 1e-300)
    return np.mean(p.density * (np.log(safe[0]) - np.log(safe[1]))) * (right - left) * (high - low)
