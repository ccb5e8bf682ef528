"""Elementary steps that stay finite: standardising, and holding what would overflow."""

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array


def reach_limit(dtype: DTypeLike, reach: float) -> float:
    """Return the largest finite number of a float dtype raised to the power `reach`.

    A law holds its argument at this limit. A kernel that grows like z^2 takes 3/8: float32 then gives 2^48,
    its square is 2^96, and 2^32 such terms can be summed before anything overflows. A kernel that grows like
    z takes 7/8.
    """
    return float(jnp.finfo(dtype).max) ** reach


def hold(z: Array, *, reach: float) -> Array:
    """Return z, held at plus or minus `reach_limit`.

    Args:
        z: real numbers, any shape.
        reach: power of the largest finite number.

    Returns:
        Numbers of the same shape; infinities and NaN as they are.

    Gradients: 1 inside, 0 for held and infinite numbers.
    """
    limit = reach_limit(z.dtype, reach)
    far = jnp.abs(z) >= limit
    end = jnp.where(jnp.isinf(z), z, jnp.sign(z) * limit)
    return jnp.where(far, jax.lax.stop_gradient(end), z)


def standardise(x: Array, loc: Array, log_scale: Array, *, reach: float) -> Array:
    """Return z = (x - loc) / exp(log_scale), held at plus or minus `reach_limit`.

    Without the hold one absurd row (x near the largest float, or a scale of 1e-30) overflows, and its
    infinite gradients spoil every parameter of the batch. Held rows keep a finite value and pass on no
    gradient.

    Args:
        x: real numbers.
        loc: their location; broadcasts with x.
        log_scale: logarithm of their scale, in nats; broadcasts with x.
        reach: power of the largest finite number, see `reach_limit`.

    Returns:
        Numbers of the broadcast shape. Infinite x stays infinite, NaN stays NaN.

    Gradients: finite for every finite x and loc, with respect to all three. Zero where z is held.
    Accuracy: float32, a relative error of (2 + |log_scale|) * 2^-23 beyond the rounding of x - loc
        (tests/numerics/test_elementary.py::test_standardise_matches_float64).
    """
    offset = x - loc
    # A product with exp(-log_scale), not a quotient: the derivative of a quotient squares the scale, and
    # (1e-30)^2 is zero in float32.
    inverse = jnp.exp(-log_scale)
    # The far offsets, which may be infinite themselves, are replaced before the product: a select behind it
    # would leave 0 * inf = NaN in the gradient of log_scale.
    limit = reach_limit(offset.dtype, reach)
    far = jax.lax.stop_gradient(jnp.abs(offset) * inverse) >= limit
    near = jnp.where(far, 0.0, offset) * inverse
    end = jnp.where(jnp.isinf(x), x, jnp.sign(offset) * limit)
    return jnp.where(far, jax.lax.stop_gradient(end), near)


def soft_bound(raw: Array, bound: float) -> Array:
    """Return bound * tanh(raw / bound): raw near 0, and never beyond plus or minus bound.

    Args:
        raw: real numbers, any shape.
        bound: a positive number.

    Returns:
        Numbers of the same shape.

    Gradients: finite everywhere, 1 at 0, and 0 in float32 beyond about ten bounds.
    """
    return bound * jnp.tanh(raw / bound)
