"""Log-probabilities of one whole number in nats, and the draw that goes with them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array


def bernoulli(x: Array, logit: Array) -> Array:
    """Return the log-probability of x under P(x = 1) = sigmoid(logit), elementwise.

    log P(1) = -log(1 + exp(-logit)) and log P(0) = -log(1 + exp(logit)): a softplus, which never takes the logarithm
    of a probability that was rounded to 0.

    Args:
        x: 0 or 1, any shape.
        logit: log-odds of 1; broadcasts with x.

    Returns:
        Numbers of the broadcast shape; -inf where x is neither 0 nor 1, NaN where it is NaN.

    Gradients: finite; zero with respect to x, and with respect to the logit of an x that is neither.
    Accuracy: tests/numerics/test_discrete.py::test_bernoulli_matches_numpy.
    """
    log_prob = -jax.nn.softplus(jnp.where(x == 1, -logit, logit))
    return _where_possible(x, (x == 0) | (x == 1), log_prob)


def categorical(x: Array, logits: Array) -> Array:
    """Return the log-probability of the code x under P(x = k) = softmax(logits)[k].

    Args:
        x: whole numbers from 0 to K - 1, any shape.
        logits: shape (K, *shape), where `shape` broadcasts with x.

    Returns:
        Numbers of the broadcast shape; -inf where x is no code, NaN where it is NaN.

    Gradients: finite; zero with respect to x, and with respect to the logits of an x that is no code.
    Accuracy: tests/numerics/test_discrete.py::test_categorical_matches_numpy.
    """
    codes = jnp.arange(logits.shape[0]).reshape((-1,) + (1,) * (logits.ndim - 1))
    chosen = codes == x
    log_prob = jnp.sum(jnp.where(chosen, jax.nn.log_softmax(logits, axis=0), 0.0), axis=0)
    return _where_possible(x, jnp.any(chosen, axis=0), log_prob)


def choose(u: Array, logits: Array) -> Array:
    """Return the code k in which the uniform number u falls: P(k) = softmax(logits)[k].

    Args:
        u: in [0, 1), shape (*shape,), of the dtype of the logits.
        logits: shape (K, *shape).

    Returns:
        Whole numbers from 0 to K - 1, shape (*shape,); never a code of probability 0.

    Accuracy: probabilities are met to the spacing of u, 2^-23 in float32
        (tests/numerics/test_discrete.py::test_choose_inverts_the_distribution_function).
    """
    # The largest weight is 1, so the total is at least 1. As u <= 1 - 2^-23 in float32, and two numbers next to each
    # other are at most 2^-23 of themselves apart, u * total stays below the total: some weight is left above it, and
    # the first place where the sum exceeds it is one where it grew.
    sums = jnp.cumsum(jnp.exp(logits - jnp.max(logits, axis=0)), axis=0)
    return jnp.sum(sums <= u * sums[-1], axis=0)


def _where_possible(x: Array, possible: Array, log_prob: Array) -> Array:
    return jnp.where(jnp.isnan(x), jnp.nan, jnp.where(possible, log_prob, -jnp.inf))
