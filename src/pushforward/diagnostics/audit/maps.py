"""Checks of a flow's maps: what comes back, the log-determinant, the tails, the time."""

import time
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ...bijectors import (
    Autoregressive,
    Bijector,
    Coupling,
    Elementwise,
    Invert,
    Marginals,
    PiecewiseLinear,
    QuadraticSpline,
    RationalQuadraticSpline,
)
from .findings import Finding, Speed, judged
from .subject import NotApplicable, Subject, doubled

_DIFFERENTIATED = 16
"""Rows whose Jacobians are made."""

_LARGEST = 200
"""Columns above which Jacobians take too long."""

_TIMED = 1000
"""Rows of a timed call."""


def density(subject: Subject) -> Finding:
    """Share of the rows whose log-density is no finite number. Any is worth a look; more than 0.1 % fail."""
    bad = int((~np.isfinite(subject.log_prob)).sum())
    count = len(subject.rows)
    return judged(
        "density",
        bad / count,
        0.0,
        1e-3,
        f"{bad} of {count} rows have a log-density that is not finite",
        "Rows outside of the law's support: compare their columns' ranges with the table that was fitted.",
    )


def round_trip(subject: Subject) -> Finding:
    """Error of to_data(to_base(x)) in the data's units, as a share of each column's standard deviation.

    Judged is the 99 % quantile over rows of the largest share in a row; more than 0.1 % is worth a look, 2 % fail. In
    float32 a spline flow comes back within 0.01 %; four rounding steps of a column far from zero do not count.
    """
    flow = subject.flow
    back = np.asarray(
        flow.to_data(flow.to_base(subject.rows, subject.context), subject.context), np.float64
    ).reshape(subject.flat.shape)
    rounding = 4 * np.finfo(np.float32).eps * np.abs(subject.flat)
    error = np.maximum(np.abs(back - subject.flat) - rounding, 0.0)
    share = error / subject.scale
    worst = int(np.argmax(np.where(np.isnan(share), np.inf, share).max(axis=0)))
    value = float(np.quantile(share.max(axis=1), 0.99))
    return judged(
        "round trip",
        value,
        1e-3,
        2e-2,
        f"99 % of {len(error)} rows come back within {value:.2g} standard deviations; at most off by "
        f"{error[:, worst].max():.3g} in column {subject.columns[worst]}",
        "The inverse does not undo the map. Look for a layer whose inverse does not converge, for columns of very "
        "different sizes, and for rows far outside of the training range.",
    )


def log_det(subject: Subject) -> Finding:
    """Difference of the flow's log-determinant from that of the map's Jacobian by automatic differentiation, in nats.

    At 16 rows, in float64 without touching the user's configuration. Exact maps agree within 1e-6, maps that a solver
    defines within its tolerance; above 1e-3 is worth a look, 0.05 fails.
    """
    flow = subject.flow
    if flow.base.event_shape != flow.event_shape or subject.size > _LARGEST:
        why = "the base has other shapes than the data" if subject.size <= _LARGEST else "too many columns"
        raise NotApplicable(f"{why}.")
    rows = subject.rows[:_DIFFERENTIATED]
    conditions = None if subject.context is None else subject.context[:_DIFFERENTIATED]
    if flow.bijector.context_shape is None:
        conditions = None
    with jax.enable_x64(True):
        bijector = doubled(flow.bijector)
        told, jacobians = (np.asarray(part) for part in _jacobians(bijector, rows, conditions))
    size = subject.size
    true = np.linalg.slogdet(jacobians.reshape(len(rows), size, size))[1]
    value = float(np.abs(told - true).max())
    return judged(
        "log-det",
        value,
        1e-3,
        0.05,
        f"off by at most {value:.2g} nats from automatic differentiation at {len(rows)} rows",
        "Likelihoods are wrong by as much. Run pushforward.testing.check_bijector on each layer.",
    )


def _jacobians(bijector: Bijector, rows: np.ndarray, context: np.ndarray | None) -> tuple:
    def of(derive: Callable) -> tuple:
        def one(x: jax.Array, condition: jax.Array | None) -> tuple:
            inverse = bijector.inverse_and_log_det
            return inverse(x, condition)[1], derive(lambda event: inverse(event, condition)[0])(x)

        mapped = eqx.filter_jit(jax.vmap(one, in_axes=(0, None if context is None else 0)))
        return mapped(jnp.asarray(rows), None if context is None else jnp.asarray(context))

    try:
        return of(jax.jacfwd)
    except TypeError:  # so JAX meets a custom_vjp in forward mode
        return of(jax.jacrev)


def tails(subject: Subject) -> Finding:
    """Share of the elements in the tails of splines, where a flow no longer bends: the largest of all spline layers.

    Marginal splines end at the outermost training rows, so a fresh column has about 2 / n there; inner splines end at
    their bound. Above 5 % is worth a look, 30 % fail.
    """
    flow = subject.flow
    stages = [
        np.asarray(s)
        for s in flow.intermediates(flow.to_base(subject.rows, subject.context), subject.context)
    ]
    worst, where, found = 0.0, "", False
    for place, layer in enumerate(flow.layers()):
        beyond = _beyond(layer, stages[place + 1])
        if beyond is None:
            continue
        found = True
        column = int(np.argmax(beyond.mean(axis=0)))
        share = float(beyond.mean(axis=0)[column])
        if share >= worst:
            worst, where = share, f"element {column + 1} of layer {place + 1} ({type(layer).__name__})"
    if not found:
        raise NotApplicable("the flow has no splines with ends.")
    return judged(
        "spline tails",
        worst,
        0.05,
        0.30,
        f"at most {worst:.1%} of a column's rows lie beyond a spline's ends, in {where}",
        "The flow is straight there and cannot shape these rows: standardise the columns, or take a larger bound.",
    )


def _beyond(layer: Bijector, stage: np.ndarray) -> np.ndarray | None:
    """Return which elements are beyond a spline's ends, shape (n, d), or None if the layer has no such spline."""
    while isinstance(layer, Invert):
        layer = layer.bijector
    flat = stage.reshape(len(stage), -1)
    if isinstance(layer, Marginals):
        knots = np.asarray(layer.values.value)
        return (flat < knots[:, 0]) | (flat > knots[:, -1])
    if not isinstance(layer, Coupling | Autoregressive | Elementwise):
        return None
    if isinstance(layer.map, RationalQuadraticSpline | PiecewiseLinear | QuadraticSpline):
        return np.abs(flat) > float(layer.map.bound)
    return None


def speed(subject: Subject) -> tuple[Finding, tuple[Speed, ...]]:
    """Times of both directions for 1000 rows after a first call; worth a look if one takes 50 times the other."""
    rows = subject.rows[np.arange(_TIMED) % len(subject.rows)]
    context = None if subject.context is None else subject.context[np.arange(_TIMED) % len(subject.rows)]
    shape, key = ((_TIMED,) if context is None else (1,)), jr.fold_in(subject.key, 2)
    calls = {
        "log_prob": lambda: subject.law.log_prob(rows, context),
        "sample": lambda: subject.law.sample(key, shape, context),
        "sample_and_log_prob": lambda: subject.law.sample_and_log_prob(key, shape, context),
    }
    speeds = sorted(
        (Speed(name, _TIMED, _seconds(call)) for name, call in calls.items()), key=lambda s: s.seconds
    )
    by_name = {one.direction: one.seconds for one in speeds}
    slow = max(by_name["log_prob"], by_name["sample"]) / max(
        min(by_name["log_prob"], by_name["sample"]), 1e-9
    )
    finding = judged(
        "speed",
        slow,
        50.0,
        float("inf"),
        f"{_TIMED} rows: log_prob {by_name['log_prob'] * 1e3:.2f} ms, sample {by_name['sample'] * 1e3:.2f} ms",
        "One direction is sequential or iterative. If it is the one you need, choose a recipe with the other "
        "direction fast, or with both (couplings).",
    )
    return finding, tuple(speeds)


def _seconds(call: Callable) -> float:
    jax.block_until_ready(call())
    times = []
    for _ in range(3):
        start = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - start)
    return sorted(times)[1]
