"""Reverse Kullback-Leibler divergence: from a density that can be evaluated to a flow that draws from it."""

from collections.abc import Callable
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..bijectors.frozen import trainable
from ..distributions.base import Distribution
from ..numerics.batching import in_pieces

LogDensity = Callable[[Array], Array]
"""An unnormalised log-density of ONE event, in nats; -inf where it is zero."""

Gradient = Literal["total", "path"]
"""How the loss is differentiated; see `reverse_kl`."""


def reverse_kl(
    flow: Distribution,
    log_density: LogDensity,
    key: PRNGKeyArray,
    *,
    samples: int = 256,
    gradient: Gradient = "total",
    beta: ArrayLike = 1.0,
) -> Array:
    """An estimate of E_q[log q(x) - beta log p~(x)], with x drawn from the flow q: KL(q || p) - log Z for beta = 1.

    Both gradients have the same mean. "total" differentiates everything. "path" leaves out the direct dependence of
    log q on the parameters, whose gradient has mean zero: what remains goes through x alone, and is zero for every
    single draw where q = p, so that the noise vanishes as the fit becomes good. It evaluates the density at the draws,
    by the inverse of the flow's bijector, so it costs about twice as much, and is of no use where that is slow.

    Args:
        flow: q, a law without context whose draws depend smoothly on its parameters, such as a `Flow`.
        log_density: log p~, of one event; differentiable by JAX.
        key: for the draws; the same key gives the same ones.
        samples: how many draws.
        gradient: "total" or "path".
        beta: power of the target, in (0, 1]; smaller ones flatten it.

    Returns:
        The mean over the draws, a scalar in nats.

    Reference: Rezende and Mohamed 2015, Variational Inference with Normalizing Flows, arXiv:1505.05770, eq. 15 and 20;
        path gradients: Roeder et al. 2017, Sticking the Landing, arXiv:1703.09194, eq. 8-9; Vaitl et al. 2022,
        Path-Gradient Estimators for Continuous Normalizing Flows, arXiv:2206.09016, section 2.
    """
    keys = jr.split(key, samples)
    x, log_q = in_pieces(lambda key: flow._sample_and_log_prob(key, None), keys)
    if gradient == "path":
        params, fixed = eqx.partition(flow, trainable(flow))
        held = eqx.combine(jax.lax.stop_gradient(params), fixed)
        log_q = in_pieces(lambda x: held._log_prob(x, None), x)
    return jnp.mean(log_q - beta * in_pieces(log_density, x))
