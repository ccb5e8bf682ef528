"""The logit of a mixture of sigmoids: an increasing map of the whole line that bends where the sigmoids are."""

import jax
import jax.numpy as jnp
from jaxtyping import Array


def logit_of_mixture(x: Array, logits: Array, log_slopes: Array, offsets: Array) -> tuple[Array, Array]:
    """Return y = logit(sum_k w_k sigmoid(a_k x + b_k)) with w = softmax(logits) and a = exp(log_slopes).

    Written in logarithms: with F the mixture, y = log F - log(1 - F), where 1 - F = sum_k w_k sigmoid(-a_k x - b_k).

    Args:
        x: real numbers, any shape.
        logits: shape (K, *shape), where `shape` broadcasts with x; likewise the others.
        log_slopes: logarithms of the sigmoids' slopes.
        offsets: what is added to a_k x.

    Returns:
        y and log_dydx, both of the broadcast shape; log_dydx in nats. With one component y = a x + b.

    Gradients: finite while all a_k x + b_k are.
    Accuracy: in float32 an error of 1e-6 * (1 + the largest |a_k x + b_k|)
        (tests/numerics/test_sigmoid_mixtures.py::test_matches_quadruple_precision).
    Reference: Huang et al. 2018, Neural Autoregressive Flows, arXiv:1804.00779, eq. 8; with a_k = 1 / s_k and
        b_k = -m_k / s_k, Ho et al. 2019, Flow++, arXiv:1902.00275, section 3.2.
    """
    log_weights = jax.nn.log_softmax(logits, axis=0)
    z = jnp.exp(log_slopes) * x + offsets
    below, above = jax.nn.log_sigmoid(z), jax.nn.log_sigmoid(-z)
    lower, upper = log_weights + below, log_weights + above
    # Every term is finite, so each logarithm is of a sum with one term exp(0).
    log_cdf, log_rest = jax.nn.logsumexp(lower, axis=0), jax.nn.logsumexp(upper, axis=0)
    y = log_cdf - log_rest
    # dy/dx = sum_k a_k w_k sigmoid(z_k) sigmoid(-z_k) / (F (1 - F)). Far out one of the factors, with its weight, is
    # divided by the sum that it dominates: that quotient comes first, or the rounding of large numbers is left.
    high, low = (upper - log_rest) + (below - log_cdf), (lower - log_cdf) + (above - log_rest)
    return y, jax.nn.logsumexp(log_slopes + jnp.where(y > 0, high, low), axis=0)


def guess_of_inverse(y: Array, logits: Array, log_slopes: Array, offsets: Array) -> Array:
    """Return the mean of the components' own inverses, (y - b_k) / a_k, which lie on both sides of the true one.

    Args:
        y: real numbers, any shape.
        logits: as in `logit_of_mixture`; likewise the others.
        log_slopes: logarithms of the sigmoids' slopes.
        offsets: what is added to a_k x.

    Returns:
        Numbers of the broadcast shape.
    """
    return jnp.sum(jax.nn.softmax(logits, axis=0) * (y - offsets) * jnp.exp(-log_slopes), axis=0)
