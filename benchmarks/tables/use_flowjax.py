"""FlowJAX's coupling and masked autoregressive spline flows: 8 layers of 2 x 128 units, 8 knots on [-4, 4].

The training step is one jitted call on data that stays on the device, which is faster than the library's own
loop.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import paramax
from flowjax.bijections import RationalQuadraticSpline
from flowjax.distributions import StandardNormal
from flowjax.flows import coupling_flow, masked_autoregressive_flow
from loop import train

CHUNK = 4096


class Model:
    """A FlowJAX distribution behind the interface of `loop.train`; weights are a flat list of arrays."""

    def __init__(self, flow, split):
        params, static = eqx.partition(
            flow, eqx.is_inexact_array, is_leaf=lambda leaf: isinstance(leaf, paramax.NonTrainable)
        )
        self.weights, structure = jax.tree.flatten(params)
        self.data = jnp.asarray(split.train, jnp.float32)
        self.validation = split.validation
        optimizer = optax.scale_by_adam()

        def log_prob(weights, x):
            return paramax.unwrap(eqx.combine(jax.tree.unflatten(structure, weights), static)).log_prob(x)

        @partial(jax.jit, donate_argnums=1)
        def take_step(weights, state, data, rows, learning_rate):
            loss, gradient = jax.value_and_grad(lambda w: -log_prob(w, data[rows]).mean())(weights)
            updates, state = optimizer.update(gradient, state)
            return [w - learning_rate * u for w, u in zip(weights, updates, strict=True)], state, loss

        self.take_step, self.density, self.start = take_step, jax.jit(log_prob), optimizer.init
        self.state = self.start(self.weights)

    def step(self, rows, learning_rate):
        """One Adam step on the named training rows; returns the loss."""
        self.weights, self.state, loss = self.take_step(
            self.weights, self.state, self.data, rows.astype(np.int32), np.float32(learning_rate)
        )
        return loss

    def validate(self):
        """Mean log density of the validation rows."""
        return float(self.log_prob(self.validation).mean())

    def snapshot(self):
        """The weights as they are."""
        return self.weights

    def restore(self, weights):
        """Put weights back, with a fresh optimiser."""
        self.weights, self.state = weights, self.start(weights)

    def log_prob(self, rows):
        """Log density of NumPy rows, float64."""
        padding = -len(rows) % CHUNK  # one compiled shape
        padded = np.pad(np.asarray(rows, np.float32), ((0, padding), (0, 0)))
        parts = [np.asarray(self.density(self.weights, p)) for p in np.split(padded, len(padded) // CHUNK)]
        return np.concatenate(parts)[: len(rows)].astype(np.float64)


def fit(recipe, split, budget):
    flow = recipe(
        jax.random.key(budget.seed),
        base_dist=StandardNormal((split.train.shape[1],)),
        transformer=RationalQuadraticSpline(knots=8, interval=4),
        flow_layers=8,
        nn_width=128,
        nn_depth=2,
    )
    model = Model(flow, split)
    return model.log_prob, train(model, len(split.train), budget)


METHODS = {
    "flowjax-coupling": lambda split, budget: fit(coupling_flow, split, budget),
    "flowjax-autoregressive": lambda split, budget: fit(masked_autoregressive_flow, split, budget),
}
