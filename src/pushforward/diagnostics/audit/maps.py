"""Checks of a flow's maps: what comes back, the log-determinant, the tails, the time."""

import time
from collections.abc import Callable, Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ...bijectors import (
    Autoregressive,
    Bijector,
    Chain,
    Coupling,
    Elementwise,
    Invert,
    Marginals,
    PiecewiseLinear,
    QuadraticSpline,
    RationalQuadraticSpline,
    Stack,
)
from ...distributions.rows import map_rows
from .findings import Finding, Speed, judged
from .subject import NotApplicable, Subject, doubled

_DIFFERENTIATED = 16
"""Rows whose Jacobians are made."""

_LARGEST = 200
"""Columns above which Jacobians take too long."""


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
    parts = list(_parts(flow.bijector))
    ends = [_ends(part, inverted) for part, inverted in parts]
    if not any(ends):
        raise NotApplicable("the flow has no splines with ends.")
    context = () if subject.context is None else (subject.context,)
    stages = map_rows(_Stages(flow.bijector), (subject.rows, *context))
    worst, where = -1.0, ""
    for place, end in enumerate(ends):
        if end is None:
            continue
        low, high, kind, side = end
        flat = np.asarray(stages[place + side]).reshape(len(subject.rows), -1)
        shares = ((flat < low) | (flat > high)).mean(axis=0)
        column = int(np.argmax(shares))
        if shares[column] > worst:
            worst, where = float(shares[column]), f"element {column + 1} of layer {place + 1} ({kind})"
    return judged(
        "spline tails",
        worst,
        0.05,
        0.30,
        f"at most {worst:.1%} of a column's rows lie beyond a spline's ends, in {where}",
        "The flow is straight there and cannot shape these rows: standardise the columns, or take a larger bound.",
    )


class _Stages(eqx.Module):
    """The stages of a bijector from the base to the data, by the direction from the data to the base."""

    bijector: Bijector

    def __call__(self, x: jax.Array, context: jax.Array | None = None) -> list[jax.Array]:
        stages = [x]
        for part, inverted in reversed(list(_parts(self.bijector))):
            condition = None if part.context_shape is None else context
            stages.append((part.forward if inverted else part.inverse)(stages[-1], condition))
        return stages[::-1]


def _parts(bijector: Bijector, inverted: bool = False) -> Iterator[tuple[Bijector, bool]]:
    """Yield the elementary maps in sampling order, and whether each is applied backwards."""
    if isinstance(bijector, Invert):
        yield from _parts(bijector.bijector, not inverted)
    elif isinstance(bijector, Chain | Stack):
        inner = (
            [bijector.layer(i) for i in range(bijector.depth)]
            if isinstance(bijector, Stack)
            else list(bijector)
        )
        for part in reversed(inner) if inverted else inner:
            yield from _parts(part, inverted)
    else:
        yield bijector, inverted


def _ends(part: Bijector, inverted: bool) -> tuple[np.ndarray, np.ndarray, str, int] | None:
    """Return the ends of a map's splines, their kind and whether they count at its base (0) or data side (1)."""
    if isinstance(part, Marginals):
        knots = np.asarray(part.values.value)
        return knots[:, 0], knots[:, -1], "marginal splines", int(not inverted)
    if not isinstance(part, Coupling | Autoregressive | Elementwise):
        return None
    if not isinstance(part.map, RationalQuadraticSpline | PiecewiseLinear | QuadraticSpline):
        return None
    bound = np.asarray(float(part.map.bound))  # outside the map is the identity, so both sides are alike
    return -bound, bound, type(part.map).__name__, 1


def speed(subject: Subject) -> tuple[Finding, tuple[Speed, ...]]:
    """Times of both directions for all rows after a first call; worth a look if one takes 50 times the other."""
    rows, context, key = subject.rows, subject.context, jr.fold_in(subject.key, 1)
    shape = (len(rows),) if context is None else (1,)
    calls = {
        "log_prob": lambda: subject.law.log_prob(rows, context),
        "sample": lambda: subject.law.sample(key, shape, context),
        "sample_and_log_prob": lambda: subject.law.sample_and_log_prob(key, shape, context),
    }
    speeds = sorted(
        (Speed(name, len(rows), _seconds(call)) for name, call in calls.items()), key=lambda s: s.seconds
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
        f"{len(rows)} rows: log_prob {by_name['log_prob'] * 1e3:.2f} ms, sample {by_name['sample'] * 1e3:.2f} ms",
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
