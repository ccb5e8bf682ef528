"""Half-lines and intervals to the real line and back, one number at a time."""

import jax.numpy as jnp
from jax.nn import log_sigmoid, softplus
from jaxtyping import Array


def to_line(x: Array, low: Array, high: Array, scale: Array) -> tuple[Array, Array]:
    """Map an open interval to the real line: the logit of an interval, the inverse of a softplus of a half-line.

    Far from its end a half-line is left as it is, so that tails stay what they are.

    Args:
        x: inside the interval; any shape. Elsewhere the result is finite and means nothing: mask it.
        low: lower end, of x's shape; -inf for none.
        high: upper end, above `low`; inf for none.
        scale: how near to the end of a half-line the map bends, positive; of x's shape.

    Returns:
        y and log_dydx, both of x's shape; log_dydx in nats.

    Gradients: finite inside the interval.
    Accuracy: tests/numerics/test_supports.py::test_round_trip.
    Reference: Stan reference manual, section 10, constraint transforms: logit of an interval; the softplus is of
        Dugas et al. 2001, Incorporating second-order functional knowledge for better option pricing, NIPS 13.
    """
    below, above = jnp.isfinite(low), jnp.isfinite(high)
    both, none = below & above, ~(below | above)
    bottom, top = jnp.where(below, low, 0.0), jnp.where(above, high, 1.0)
    # As near to an end as it gets: the derivatives, up to its inverse, must stay finite too.
    tiny = float(jnp.finfo(x.dtype).tiny) ** 0.75

    width = jnp.where(both, top - bottom, 1.0)  # positive
    share = jnp.where(both, jnp.clip((x - bottom) / width, tiny, 1.0), 0.5)
    rest = jnp.where(both, jnp.clip((top - x) / width, tiny, 1.0), 0.5)
    logit, log_logit = jnp.log(share) - jnp.log(rest), -jnp.log(share) - jnp.log(rest) - jnp.log(width)

    # t > 0 is the distance from the end; y = scale log(exp(t) - 1) = scale (t + log(1 - exp(-t))).
    distance = jnp.where(below, x - bottom, top - x)
    t = jnp.where(both | none, 1.0, jnp.maximum(distance / scale, tiny))
    log_rest = jnp.log(-jnp.expm1(-t))
    half = scale * (t + log_rest)
    half = jnp.where(below, bottom + half, top - half)

    y = jnp.where(none, x, jnp.where(both, logit, half))
    return y, jnp.where(none, 0.0, jnp.where(both, log_logit, -log_rest))


def from_line(y: Array, low: Array, high: Array, scale: Array) -> tuple[Array, Array]:
    """Inverse of `to_line`: never outside of the closed interval.

    Args:
        y: real numbers, any shape.
        low: as in `to_line`.
        high: as in `to_line`.
        scale: as in `to_line`.

    Returns:
        x and log_dxdy, both of y's shape; log_dxdy in nats.

    Gradients: finite.
    Accuracy: as `to_line`.
    Reference: as `to_line`.
    """
    below, above = jnp.isfinite(low), jnp.isfinite(high)
    both, none = below & above, ~(below | above)
    bottom, top = jnp.where(below, low, 0.0), jnp.where(above, high, 1.0)

    width = jnp.where(both, top - bottom, 1.0)
    logit = jnp.where(both, y, 0.0)
    # From the nearer end, whose distance has all its digits.
    inside = jnp.where(
        logit < 0, bottom + width * jnp.exp(log_sigmoid(logit)), top - width * jnp.exp(log_sigmoid(-logit))
    )
    log_inside = jnp.log(width) + log_sigmoid(logit) + log_sigmoid(-logit)

    away = jnp.where(both | none, 0.0, jnp.where(below, y - bottom, top - y) / scale)
    distance = scale * softplus(away)
    half = jnp.where(below, bottom + distance, top - distance)

    x = jnp.where(none, y, jnp.where(both, inside, half))
    return x, jnp.where(none, 0.0, jnp.where(both, log_inside, log_sigmoid(away)))
