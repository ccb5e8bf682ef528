"""The rows at the door of fit: checked, split into training and validation, and put on the device."""

import hashlib
from dataclasses import dataclass
from numbers import Real
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ..distributions.base import Distribution
from ..errors import ConfigError, DomainError, ShapeError
from .streams import words

_SHOWN = 8


class Rows(eqx.Module):
    """Rows, on the host or on the device; the leading axes of the three arrays are the same.

    Attributes:
        x: events, shape (n, *event_shape).
        context: conditions, shape (n, *context_shape), or None.
        weights: shape (n,), mean 1, or None where every row counts alike.
    """

    x: Any
    context: Any
    weights: Any

    def __len__(self) -> int:
        return self.x.shape[0]


@dataclass(frozen=True)
class Split:
    """What fit trains on and what it validates on, as NumPy arrays of its own.

    Attributes:
        training: the rows to train on, at least one.
        validation: the rows to validate on, None if there are none.
        index: the row of the caller's x that each training row was.
    """

    training: Rows
    validation: Rows | None
    index: np.ndarray

    @property
    def count(self) -> int:
        """How many rows there are to train on."""
        return len(self.training)

    def fingerprint(self) -> str:
        """Return a hash of all values: data that differ anywhere, in order too, have another one."""
        digest = hashlib.blake2b(digest_size=16)
        for leaf in jax.tree.leaves((self.training, self.validation)):
            digest.update(f"{leaf.dtype}{leaf.shape}".encode())
            digest.update(np.ascontiguousarray(leaf).view(np.uint8).data)
        return digest.hexdigest()


def split_rows(
    flow: Distribution, x: Any, context: Any, weights: Any, validation: Any, key: PRNGKeyArray
) -> Split:
    """Check the data against the flow and divide it.

    Args:
        flow: what is to be trained; it says which shapes are right.
        x: events, shape (n, *event_shape).
        context: conditions, shape (n, *context_shape), or None.
        weights: shape (n,), not negative, or None. Rows of weight 0 are left out.
        validation: the fraction of the rows to hold out, or rows of their own: x, or a tuple (x, context).
        key: decides which rows are held out.

    Raises:
        ShapeError: if an array does not fit the flow, or its rows do not match those of x.
        DomainError: if a value is not finite, or a weight is negative.
        ConfigError: if there are too few rows, or `validation` is neither a fraction nor rows.
    """
    events, conditions = _checked(flow, "x", x, context)
    balance = None if weights is None else _check_weights(weights, len(events))
    # A row of weight 0 has no say, but a value that overflows in it would still spoil the gradient.
    index = np.arange(len(events)) if balance is None else np.flatnonzero(balance)
    if isinstance(validation, Real) and not isinstance(validation, bool):
        index, held_out = _divide(index, float(validation), key)
        held = _pick(events, conditions, balance, held_out) if len(held_out) else None
    else:
        held = Rows(*held_out_rows(flow, validation), None)
    if not len(index):
        raise ConfigError(f"fit: expected at least one row in x to train on, got {len(events)}.")
    return Split(_pick(events, conditions, balance, index), held, index)


def _checked(flow: Distribution, name: str, x: Any, context: Any) -> tuple[np.ndarray, np.ndarray | None]:
    events = check_rows(name, x, flow.event_shape)
    which = "context" if name == "x" else "the validation context"
    if flow.context_shape is None:
        if context is not None:
            raise ShapeError(
                f"fit: expected no context, got {which} of shape {np.shape(context)}. "
                "Build the flow with context_features to condition it."
            )
        return events, None
    if context is None:
        raise ShapeError(f"fit: expected {which} of shape (rows, {_inner(flow.context_shape)}), got none.")
    conditions = check_rows(which, context, flow.context_shape)
    if len(conditions) != len(events):
        raise ShapeError(
            f"fit: expected {which} to have as many rows as {name}, {len(events)}, got {len(conditions)}."
        )
    return events, conditions


def check_rows(
    name: str, values: Any, event_shape: tuple[int, ...], widest: np.dtype | None = None
) -> np.ndarray:
    """Return the values as floats of the device's precision, or raise if they do not fit or are infinite.

    Args:
        name: what messages call them.
        values: shape (rows, *event_shape).
        event_shape: shape of a row.
        widest: the widest float of the device; None asks JAX, whose answer may differ from thread to thread.
    """
    array = _to_floats(name, values, widest)
    if array.ndim != len(event_shape) + 1 or array.shape[1:] != event_shape:
        raise ShapeError(
            f"fit: expected {name} of shape (rows, {_inner(event_shape)}), got shape {array.shape}."
            if event_shape
            else f"fit: expected {name} of shape (rows,), got shape {array.shape}."
        )
    finite = np.isfinite(array)
    if not finite.all():
        raise DomainError(_not_finite(name, array, finite))
    return array


def _to_floats(name: str, values: Any, widest: np.dtype | None = None) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub" and not jnp.issubdtype(array.dtype, jnp.floating):
        raise ConfigError(f"fit: expected {name} to hold real numbers, got dtype {array.dtype}.")
    wide = array.dtype.itemsize > 4 or array.dtype.kind not in "f"
    if widest is None:
        widest = jax.dtypes.canonicalize_dtype(np.float64)
    dtype = widest if wide else np.dtype(np.float32)
    with np.errstate(over="ignore"):
        # A copy also where the dtype fits: the caller may write into the array while fit runs.
        return np.array(array, dtype=dtype)


def _not_finite(name: str, array: np.ndarray, finite: np.ndarray) -> str:
    columns = (~finite).reshape(len(array), -1)
    counts = columns.sum(axis=0)
    bad = np.flatnonzero(counts)
    named = ", ".join(f"column {column}: {counts[column]}" for column in bad[:_SHOWN])
    more = f", and {len(bad) - _SHOWN} more columns" if len(bad) > _SHOWN else ""
    rows = np.flatnonzero(columns.any(axis=1))
    return (
        f"fit: expected finite {array.dtype} values in {name}, got NaN, infinity or overflow in "
        f"{len(rows)} of {len(array)} rows, the first row {rows[0]} ({named}{more}). "
        "Drop those rows or fill their values."
    )


def _check_weights(weights: Any, count: int) -> np.ndarray:
    array = _to_floats("weights", weights)
    if array.shape != (count,):
        raise ShapeError(
            f"fit: expected weights of shape ({count},), one per row of x, got shape {array.shape}."
        )
    bad = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if len(bad):
        raise DomainError(
            f"fit: expected finite weights of at least 0, got {len(bad)} of {count} that are not, "
            f"the first at row {bad[0]}: {array[bad[0]]}."
        )
    if not array.any():
        raise ConfigError("fit: expected at least one positive weight, got none.")
    # Only the ratios matter; a mean of 1 keeps sums of them from overflowing.
    scaled = array.astype(np.float64)
    return (scaled / scaled[scaled > 0].mean()).astype(array.dtype)


def _divide(index: np.ndarray, fraction: float, key: PRNGKeyArray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on and those to hold out, each in ascending order."""
    if not 0 <= fraction < 1:
        raise ConfigError(f"fit: expected validation to be a fraction in [0, 1) or rows, got {fraction}.")
    if fraction == 0:
        return index, index[:0]
    if len(index) < 2:
        raise ConfigError(
            f"fit: expected at least 2 rows, to train on one and validate on the other, got {len(index)}. "
            "Pass validation=0 to train on all rows."
        )
    held = min(max(round(fraction * len(index)), 1), len(index) - 1)
    order = np.random.default_rng(words(key)).permutation(len(index))
    return np.sort(index[order[held:]]), np.sort(index[order[:held]])


def held_out_rows(flow: Distribution, validation: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Return validation rows that the caller gave, checked: events and contexts."""
    if isinstance(validation, tuple):
        if len(validation) != 2:
            raise ConfigError(
                "fit: expected validation to be a fraction, an array, or a tuple (x, context), "
                f"got a tuple of {len(validation)}."
            )
        x, context = validation
    elif hasattr(validation, "__len__"):
        x, context = validation, None
    else:
        raise ConfigError(
            "fit: expected validation to be a fraction, an array, or a tuple (x, context), "
            f"got {type(validation).__name__}."
        )
    events, conditions = _checked(flow, "the validation x", x, context)
    if not len(events):
        raise ConfigError(
            "fit: expected at least one validation row, got 0. Pass validation=0 to do without."
        )
    return events, conditions


def _pick(
    events: np.ndarray, conditions: np.ndarray | None, weights: np.ndarray | None, index: np.ndarray
) -> Rows:
    return Rows(*(None if part is None else part[index] for part in (events, conditions, weights)))


def _inner(shape: tuple[int, ...]) -> str:
    return ", ".join(str(size) for size in shape)
