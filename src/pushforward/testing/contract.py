"""Checks of the contract: shapes, batches, context and dtypes."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from ..distributions.flow import Flow
from ..distributions.normal import StandardNormal
from ..errors import ShapeError
from .points import describe
from .programs import DIRECTIONS, Direction, event_function
from .purity import alone, plain, same_bits
from .report import Finding, fail, skip, worst_finding, worst_of
from .subject import Subject, precision

_EPSILON_32 = float(np.finfo(np.float32).eps)
_BATCHES = ((2, 3), (0,))


def log_det_shape(subject: Subject) -> Finding:
    """One event gives an event of the declared shape and a log-determinant of shape ()."""
    for direction in DIRECTIONS:
        out, log_det = _shapes(subject, direction, ())
        other = subject.shapes["inverse" if direction == "forward" else "forward"]
        if out.shape != other:
            return fail(f"{direction} gives events of shape {out.shape}, declared is {other}.")
        if log_det.shape != ():
            return fail(f"{direction} gives log_det of shape {log_det.shape} for one event, expected ().")
    return Finding()


def batch_shapes(subject: Subject) -> Finding:
    """Nested vmaps and a Flow around the map keep batches (2, 3) and (0,); NumPy views will do.

    The view is one of an event, not contiguous and read-only.
    """
    findings = []
    flow = Flow(base=StandardNormal(subject.original.in_shape), bijector=subject.bijector())
    for batch in _BATCHES:
        shapes = {direction: _shapes(subject, direction, batch)[1].shape for direction in DIRECTIONS}
        shapes["Flow.log_prob"] = jax.eval_shape(
            flow.log_prob, *_abstract(subject, "inverse", batch, np.float32)
        ).shape
        for name, got in shapes.items():
            if got != batch:
                findings.append(fail(f"{name}: log_det of shape {got} for a batch {batch}."))
    return worst_finding([*findings, *_views(subject)])


def _views(subject: Subject) -> list[Finding]:
    findings = []
    for direction in DIRECTIONS:
        event = subject.events(direction)[0]
        strided = np.stack([event, event], axis=-1)[..., 0]
        strided.setflags(write=False)
        if not all(
            same_bits(a, b)
            for a, b in zip(plain(subject, direction, strided), alone(subject, direction)[:2], strict=True)
        ):
            findings.append(fail(f"{direction}: a view of an event gives other numbers than its copy."))
    return findings


def row_independent_of_batch(subject: Subject) -> Finding:
    """A row alone, in another order and among other rows gives the same result, up to rounding."""
    findings = []
    for direction in DIRECTIONS:
        events, contexts = subject.events(direction), subject.contexts(len(subject.events(direction)))
        places = describe(events)
        together = subject.values(direction, events, np.float32, contexts)
        flipped = subject.values(
            direction, events[::-1], np.float32, None if contexts is None else contexts[::-1]
        )
        others = events.copy()
        others[1:] = events[-1:]
        among = subject.values(direction, others, np.float32, contexts)
        single = alone(subject, direction)[:2]
        for part, name in enumerate(("output", "log_det")):
            base = together[part]
            size = 1 + np.abs(base) + np.abs(events).max()
            for way, value, rows in (
                ("in another order", flipped[part][::-1], slice(None)),
                ("among other rows", among[part][:1], slice(0, 1)),
                ("alone", np.expand_dims(single[part], 0), slice(0, 1)),
            ):
                error = _zero_if_equal(np.abs(value - base[rows]), base[rows])
                bound = (300 * _EPSILON_32 + subject.accuracy) * size[rows]
                findings.append(
                    worst_of(error, bound, places, f"{direction}: change of the {name} of a row {way}")
                )
    return worst_finding(findings)


def context_matters(subject: Subject) -> Finding:
    """Another context gives another result, in both directions."""
    if subject.context is None:
        return skip("takes no context.")
    for direction in DIRECTIONS:
        events = subject.events(direction)
        contexts = subject.contexts(len(events))
        if contexts is None or np.ptp(contexts, axis=0).max() == 0:
            return skip("only one context was given.")
        one = subject.values(direction, events, np.float32, contexts)
        other = subject.values(direction, events, np.float32, np.roll(contexts, 1, axis=0))
        if all(np.array_equal(a, b) for a, b in zip(one, other, strict=True)):
            return fail(f"{direction}: exchanging the contexts of the rows changes nothing.")
    return Finding()


def missing_context_raises(subject: Subject) -> Finding:
    """A ShapeError meets a missing, superfluous or wrongly shaped context."""
    shape = subject.original.context_shape
    wrong: dict[str, Any] = {"a superfluous context": np.zeros(3, np.float32)}
    if shape is not None:
        wrong = {"a missing context": None, "a context of another shape": np.zeros((*shape, 2), np.float32)}
    findings = []
    for direction in DIRECTIONS:
        event = subject.events(direction)[0]
        findings += [_raises(subject, direction, event, context, name) for name, context in wrong.items()]
    return worst_finding(findings)


def wrong_shape_raises(subject: Subject) -> Finding:
    """A ShapeError meets a batch given as one event, and an event of another shape."""
    context = None if subject.context is None else subject.context[0]
    findings = []
    for direction in DIRECTIONS:
        event = subject.events(direction)[0]
        findings.append(_raises(subject, direction, event[None], context, "a batch given as one event"))
        findings.append(
            _raises(subject, direction, np.zeros((event.size + 1, 1)), context, "an event too long")
        )
    return worst_finding(findings)


def dtype(subject: Subject) -> Finding:
    """float32 in gives float32 out and float64 gives float64, with x64 enabled and strict dtype promotion."""
    findings = []
    for direction in DIRECTIONS:
        for kind in (np.float32, np.float64):
            name = f"{direction} in {np.dtype(kind)} with x64 enabled"
            with precision(np.float64), jax.numpy_dtype_promotion("strict"):
                try:
                    out = jax.eval_shape(
                        event_function(subject.static, direction),
                        subject.cast(kind),
                        *_abstract(subject, direction, (), kind),
                    )
                except jax.dtypes.TypePromotionError as error:
                    findings.append(fail(f"{name}: a hidden promotion: {str(error).splitlines()[0]}"))
                    continue
            got = [str(leaf.dtype) for leaf in out]
            if got != [str(np.dtype(kind))] * 2:
                findings.append(fail(f"{name}: output and log_det are {got[0]} and {got[1]}."))
    return worst_finding(findings)


def _raises(subject: Subject, direction: Direction, event: Any, context: Any, what: str) -> Finding:
    method = getattr(subject.bijector(), f"{direction}_and_log_det")
    try:
        method(event, context)
    except ShapeError:
        return Finding()
    except Exception as error:  # whatever else is raised is the finding
        return fail(f"{direction}: {what} raises {type(error).__name__}, expected ShapeError.")
    return fail(f"{direction}: {what} raises nothing, expected ShapeError.")


def _abstract(subject: Subject, direction: Direction, batch: tuple[int, ...], kind: Any) -> list[Any]:
    """The events and contexts of a batch as shapes; None for the contexts if there are none."""
    event = jax.ShapeDtypeStruct(batch + subject.shapes[direction], kind)
    shape = subject.original.context_shape
    return [event, None if shape is None else jax.ShapeDtypeStruct(batch + shape, kind)]


def _shapes(subject: Subject, direction: Direction, batch: tuple[int, ...]) -> tuple[Any, Any]:
    function: Callable = event_function(subject.static, direction)
    for _ in batch:
        function = jax.vmap(function, in_axes=(None, 0, 0))
    return jax.eval_shape(
        function, subject.cast(np.float32), *_abstract(subject, direction, batch, np.float32)
    )


def _zero_if_equal(error: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Infinities that agree count as equal: their difference is NaN."""
    return np.where(np.isinf(value) & np.isnan(error), 0.0, error)
