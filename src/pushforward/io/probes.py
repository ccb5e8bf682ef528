"""Probe points: events with their log-densities, stored with a flow and recomputed when it is loaded.

The digest of a file shows that its bytes are whole. The probes show that this version of the library makes of
them the density that was saved.
"""

import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array

from ..distributions.flow import Flow
from ..errors import PushforwardError
from .refusal import Refused

_COUNT = 4
_TRIES = 8
_X, _CONTEXT, _LOG_PROB = "probes.x", "probes.context", "probes.log_prob"
_RELATIVE = {8: 1e-8, 4: 1e-4, 2: 5e-2}


def make(flow: Flow) -> dict[str, np.ndarray]:
    """Return probe points of a flow, as arrays to be stored beside its own.

    They are samples of a fixed key, under one context drawn by the same key.

    Returns:
        `probes.x` of shape (4, *event_shape), `probes.log_prob` of shape (4,) in nats, and `probes.context`
        of shape `context_shape` if the flow takes a context.

    Raises:
        Refused: if too few samples of the flow have finite log-densities.
    """
    key = jr.key(0)
    floats = [leaf for leaf in jax.tree.leaves(flow) if eqx.is_inexact_array(leaf)]
    dtype = jnp.result_type(*floats) if floats else jnp.result_type(float)
    context = None if flow.context_shape is None else jr.normal(key, flow.context_shape, dtype)
    chosen: list[Array] = []
    for turn in range(_TRIES):
        x = flow.sample(jr.fold_in(key, turn), _COUNT, context).astype(dtype)
        finite = jnp.isfinite(_log_prob(flow, x, context)) & jnp.isfinite(x).reshape(_COUNT, -1).all(axis=1)
        chosen += [event for event, good in zip(x, finite, strict=True) if good]
        if len(chosen) >= _COUNT:
            x = jnp.stack(chosen[:_COUNT])
            probes = {_X: x, _LOG_PROB: _log_prob(flow, x, context).astype(dtype)}
            probes |= {} if context is None else {_CONTEXT: context}
            return {name: np.asarray(array) for name, array in probes.items()}
    raise Refused(
        "probes",
        f"{_COUNT} samples of the flow with finite log-densities",
        f"{len(chosen)} in {_TRIES * _COUNT} draws",
    )


def expected(skeleton: Flow) -> dict[str, jax.ShapeDtypeStruct]:
    """Return the shapes of the probe arrays that belong to a flow."""
    shapes = {_X: (_COUNT, *skeleton.event_shape), _LOG_PROB: (_COUNT,)}
    if skeleton.context_shape is not None:
        shapes[_CONTEXT] = skeleton.context_shape
    return {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in shapes.items()}


def split(arrays: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part what is known of the arrays of a file into those of the flow and those of its probes."""
    probes = {name: array for name, array in arrays.items() if name in (_X, _CONTEXT, _LOG_PROB)}
    return {name: array for name, array in arrays.items() if name not in probes}, probes


def check(flow: Flow, probes: Mapping[str, np.ndarray]) -> None:
    """Recompute the log-densities of the probes, and raise `Refused` if they are not what was stored.

    The tolerance is 1e-4 in float32, 1e-8 in float64 and 5e-2 in 16 bits, times (1 + |log_prob| + size of an
    event): what other processors and other orders of summation can explain.
    """
    x, stored = jnp.asarray(probes[_X]), probes[_LOG_PROB]
    context = jnp.asarray(probes[_CONTEXT]) if _CONTEXT in probes else None
    found = np.asarray(_log_prob(flow, x, context))
    width = min(array.dtype.itemsize for array in (*probes.values(), found))
    bound = _RELATIVE[width] * (1 + np.abs(stored.astype(float)) + math.prod(flow.event_shape))
    # Not "difference > bound": a NaN must be refused too.
    bad = np.flatnonzero(~(np.abs(found.astype(float) - stored.astype(float)) <= bound))
    if bad.size:
        row = int(bad[0])
        raise Refused(
            f"probe {row}", f"a log-density of {stored[row]:.9g}, as when saved", f"{found[row]:.9g} now"
        )


def _log_prob(flow: Flow, x: Array, context: Array | None) -> Array:
    try:
        # Some accelerators multiply float32 matrices in 19 bits unless told otherwise.
        with jax.default_matmul_precision("highest"):
            return flow.log_prob(x, context)
    # A solver that does not converge on these weights, a domain that they leave, a device without the memory.
    except (PushforwardError, RuntimeError) as error:
        got = f"{type(error).__name__}: {error}".rstrip(".")
        raise Refused("probes", "log-densities at points of the flow", got) from error
