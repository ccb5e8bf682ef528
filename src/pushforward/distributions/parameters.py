"""Checks and conversions of the natural parameters that the laws are built from."""

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike

from ..bijectors.base import as_float
from ..errors import ConfigError, ShapeError

ASYMMETRY = 1e-5
"""How far a covariance may be from symmetric, relative to its largest entry; more is an error."""


def event_parameters(who: str, **values: ArrayLike) -> list[Array]:
    """Return parameters as finite float arrays of one dtype, broadcast to the shape of one event.

    Raises:
        ShapeError: if the shapes do not broadcast.
        ConfigError: if a value is not finite.
    """
    arrays = same_dtype(*values.values())
    shapes = {name: array.shape for name, array in zip(values, arrays, strict=True)}
    try:
        shape = jnp.broadcast_shapes(*shapes.values())
    except ValueError as error:
        got = ", ".join(f"{name} of shape {shape}" for name, shape in shapes.items())
        raise ShapeError(
            f"{who}: expected parameters whose shapes broadcast, got {got}. "
            "Give each the shape of one event, or a single number."
        ) from error
    for name, array in zip(values, arrays, strict=True):
        check_finite(who, name, array)
    return [jnp.broadcast_to(array, shape) for array in arrays]


def location_scale(who: str, loc: ArrayLike, scale: ArrayLike) -> tuple[Array, Array]:
    """Return loc and log(scale), both of the shape of one event.

    Raises:
        ShapeError: if the shapes do not broadcast.
        ConfigError: if a value is not finite or a scale not positive.
    """
    loc, scale = event_parameters(who, loc=loc, scale=scale)
    check_positive(who, "scale", scale)
    return loc, jnp.log(scale)


def same_dtype(*values: ArrayLike) -> list[Array]:
    """Return arrays of the one float dtype that the values promote to; Python numbers follow the others."""
    arrays = [as_float(value) for value in values]
    dtype = jnp.result_type(*arrays)
    return [jnp.asarray(array, dtype=dtype) for array in arrays]


def check_finite(who: str, name: str, values: ArrayLike) -> None:
    """Raise a ConfigError if a value is infinite or NaN; values inside a JAX transformation are not seen."""
    if not isinstance(values, Tracer):
        _refuse(who, f"finite {name}", np.asarray(values), ~np.isfinite(values))


def check_positive(who: str, name: str, values: ArrayLike) -> None:
    """Raise a ConfigError if a value is not above zero; values inside a JAX transformation are not seen."""
    if not isinstance(values, Tracer):
        _refuse(who, f"{name} > 0", np.asarray(values), ~(np.asarray(values) > 0))


def check_below(who: str, low: Array, high: Array) -> None:
    """Raise a ConfigError if low is not below high; values inside a JAX transformation are not seen."""
    if not isinstance(low, Tracer) and not isinstance(high, Tracer) and not np.all(low < high):
        bad = np.argwhere(~(np.asarray(low) < np.asarray(high)))
        index = tuple(int(i) for i in bad[0])
        raise ConfigError(
            f"{who}: expected low < high, got {len(bad)} of {low.size} pairs that are not "
            f"(first at index {index}: low = {float(low[index]):g}, high = {float(high[index]):g})."
        )


def check_lower(who: str, name: str, matrix: Array) -> None:
    """Raise a ConfigError if an entry above the diagonal is not zero, for values that can be seen."""
    if not isinstance(matrix, Tracer):
        above = float(np.max(np.abs(np.triu(matrix, 1))))
        if above > 0:
            raise ConfigError(
                f"{who}: expected a lower triangular {name}, got entries of up to {above:g} above "
                "the diagonal."
            )


def square_root(values: ArrayLike) -> Array:
    """Return the roots of positive numbers, taken in float64 where possible: variances underflow."""
    target = as_float(values)
    if isinstance(target, Tracer):
        return jnp.sqrt(target)
    return jnp.asarray(np.sqrt(np.asarray(values, dtype=np.float64)), dtype=target.dtype)


def cholesky(who: str, covariance: ArrayLike) -> Array:
    """Return the Cholesky factors of covariances.

    Concrete values are factored on the host in float64, so that a covariance of condition number 1e12, as
    tables have them, survives float32 parameters.

    Args:
        who: name for the messages.
        covariance: shape (*batch, size, size).

    Returns:
        Lower triangular factors, shape (*batch, size, size), of the covariance's dtype.

    Raises:
        ConfigError: if a matrix is not symmetric, not finite or not positive definite.
    """
    target = as_float(covariance)
    if isinstance(target, Tracer):
        return jnp.linalg.cholesky(target)
    matrix = np.asarray(covariance, dtype=np.float64)
    check_finite(who, "covariance", matrix)
    gap = float(np.max(np.abs(matrix - np.swapaxes(matrix, -1, -2)), initial=0.0))
    if gap > ASYMMETRY * float(np.max(np.abs(matrix), initial=0.0)):
        raise ConfigError(
            f"{who}: expected a symmetric covariance, got entries that differ from their mirror image by up "
            f"to {gap:g}."
        )
    try:
        return jnp.asarray(np.linalg.cholesky(matrix), dtype=target.dtype)
    except np.linalg.LinAlgError as error:
        smallest = float(np.min(np.linalg.eigvalsh(matrix)))
        raise ConfigError(
            f"{who}: expected a positive definite covariance, got one with the eigenvalue {smallest:g}. "
            "Add a small multiple of the identity to it."
        ) from error


def _refuse(who: str, expected: str, values: np.ndarray, bad: np.ndarray) -> None:
    if np.any(bad):
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ConfigError(
            f"{who}: expected {expected}, got {int(np.sum(bad))} of {values.size} values that are not "
            f"(first at index {index}: {float(values[index]):g})."
        )
