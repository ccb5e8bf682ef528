"""Checks of derivatives: gradients against differences, used parameters, the Jacobian's structure, growth."""

from typing import Any

import equinox as eqx
import jax
import numpy as np

from ..bijectors.frozen import trainable
from .points import describe, to_rows
from .programs import DIRECTIONS, Direction, loss_weights
from .report import Finding, fail, skip, worst_finding, worst_of
from .subject import GRADIENT_ROWS, Subject

_STEP = 1e-6


def parameters_used(subject: Subject) -> Finding:
    """At perturbed parameters, every trainable leaf has a gradient that is not all zero, in both directions.

    JAX gives zeros, not None, for a leaf that is not used. What is `Frozen` is not trainable.
    """
    trained = eqx.filter(subject.original, trainable(subject.original))
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_flatten_with_path(trained)[0]]
    unused = []
    for direction in DIRECTIONS:
        batch = to_rows(subject.events(direction), GRADIENT_ROWS)
        gradients = subject.gradients(direction, batch, _dtype(subject), subject.contexts(len(batch)))
        for name in names:
            value = gradients[f"parameter{name}"]
            if value.size and not np.any(value):
                unused.append(f"{name} ({direction})")
    return fail(f"no gradient reaches {', '.join(unused)}.") if unused else Finding()


def gradcheck(subject: Subject) -> Finding:
    """Reverse mode agrees with forward mode to 1e-8, and with central differences to 1e-5, in float64.

    The function is a weighted sum of outputs and log-determinants of four events. Differences are taken along
    random directions of the parameters and of the events. In a quick run, reverse mode is in float32, and both
    agree to 1e-3.
    """
    findings = []
    for direction in DIRECTIONS:
        if direction in subject.reverse_only:
            findings.append(fail(f"{direction} cannot be differentiated in forward mode."))
        events = _interior(subject, direction).astype(np.float64)
        contexts = subject.contexts(GRADIENT_ROWS)
        gradients = subject.gradients(direction, events, _dtype(subject), contexts)
        exact = subject.exact(direction, events, contexts)
        weights = loss_weights(exact.out.shape[1:]).reshape(-1)
        forward = (np.einsum("o,noi->ni", weights, exact.jacobian) + exact.slope) / GRADIENT_ROWS
        error = np.abs(gradients["event"].reshape(forward.shape) - forward)
        message = f"{direction}: |reverse mode - forward mode| with respect to the event"
        findings.append(
            worst_of(
                error, (1e-3 if subject.quick else 1e-8) * (1 + np.abs(forward)), describe(events), message
            )
        )
        findings += _against_differences(subject, direction, events, gradients)
    return worst_finding(findings)


def _against_differences(
    subject: Subject, direction: Direction, events: np.ndarray, gradients: dict[str, np.ndarray]
) -> list[Finding]:
    random = np.random.default_rng(0)
    parameters = subject.cast(np.float64)
    # A frozen leaf has gradient zero whatever it does.
    along = jax.tree.map(
        lambda trained, leaf: jax.tree.map(lambda one: trained * random.normal(size=one.shape), leaf),
        trainable(subject.original),
        parameters,
    )
    shift = random.normal(size=events.shape)
    named = jax.tree_util.tree_flatten_with_path(along)[0]
    slopes = [np.sum(gradients[f"parameter{jax.tree_util.keystr(path)}"] * leaf) for path, leaf in named]
    findings = []
    for what, reverse, tangent in (
        ("parameters", float(sum(slopes)), (along, np.zeros_like(shift))),
        ("events", float(np.sum(gradients["event"] * shift)), (jax.tree.map(np.zeros_like, along), shift)),
    ):
        numeric = _difference(subject, direction, (parameters, events), tangent)
        error, bound = (
            np.array([abs(reverse - numeric)]),
            ((1e-3 if subject.quick else 1e-5) + subject.accuracy) * (1 + abs(numeric)),
        )
        message = f"{direction}: |reverse mode - central difference| along {what}"
        findings.append(worst_of(error, bound, message=message))
    return findings


def _dtype(subject: Subject) -> Any:
    return np.float32 if subject.quick else np.float64


def _interior(subject: Subject, direction: Direction) -> np.ndarray:
    """Events near the middle of the points, where a difference quotient is accurate."""
    events = subject.events(direction)
    size = np.abs(events.reshape(len(events), -1)).max(axis=1)
    return to_rows(events[np.argsort(size, kind="stable")[: 2 * GRADIENT_ROWS : 2]], GRADIENT_ROWS)


def _difference(
    subject: Subject, direction: Direction, point: tuple[Any, ...], tangent: tuple[Any, ...]
) -> float:
    """Central difference of the loss of `Subject.gradients`, from outputs and log-determinants."""
    losses = []
    for sign in (1, -1):
        parameters, events = jax.tree.map(
            lambda leaf, along, s=sign: leaf + s * _STEP * along, point, tangent
        )
        out, log_det, *_ = subject.exact(
            direction, events, subject.contexts(len(events)), parameters=parameters
        )
        heights = log_det + np.sum((out * loss_weights(out.shape[1:])).reshape(len(out), -1), axis=1)
        losses.append(float(np.mean(heights)))
    return (losses[0] - losses[1]) / (2 * _STEP)


def structure(subject: Subject) -> Finding:
    """If declared: the Jacobian has exact zeros where the pattern says so, and no others at every point."""
    if subject.structure is None:
        return skip("not declared.")
    findings = []
    for direction in DIRECTIONS:
        jacobian = subject.at_points[direction].jacobian
        allowed = _pattern(subject.structure, jacobian.shape[1], inverse=direction == "inverse")
        if allowed is None:
            continue
        seen = (jacobian != 0).any(axis=0)
        for wrong, what in (
            (seen & ~allowed, "not zero where the structure has a zero"),
            (~seen & allowed, "zero at every point where the structure has an entry"),
        ):
            if wrong.any():
                row, column = np.argwhere(wrong)[0]
                where = f"d out[{row}] / d in[{column}]"
                message = f"{direction}: the Jacobian is {what}"
                findings.append(Finding(float(wrong.sum()), 0.0, where, message))
    return worst_finding(findings)


def _pattern(declared: Any, size: int, *, inverse: bool) -> np.ndarray | None:
    """Where entries may differ from zero; a pattern given as an array says nothing of the inverse."""
    ones = np.ones((size, size), bool)
    named = {"diagonal": np.eye(size, dtype=bool), "lower": np.tril(ones), "upper": np.triu(ones)}
    if isinstance(declared, str):
        return named[declared]
    return None if inverse else np.asarray(declared, bool)


def monotone(subject: Subject) -> Finding:
    """If declared: every output element grows strictly with its input element, and its slope is positive."""
    if not subject.increasing:
        return skip("not declared.")
    findings = []
    for direction in DIRECTIONS:
        events = np.sort(subject.events(direction), axis=0)
        exact = subject.exact(direction, events, _one_context(subject, len(events)))
        steps, grown = np.diff(events, axis=0), np.diff(exact.out, axis=0)
        bad = (grown <= 0) & (steps > 0)
        message = f"{direction}: the output does not grow with the input"
        findings.append(worst_of(bad.astype(float), 0.0, describe(events), message))
        slopes = np.diagonal(exact.jacobian, axis1=1, axis2=2)
        findings.append(
            worst_of(~(slopes > 0), 0.0, describe(events), f"{direction}: a slope is not positive")
        )
    return worst_finding(findings)


def _one_context(subject: Subject, rows: int) -> np.ndarray | None:
    return None if subject.context is None else np.repeat(subject.context[:1], rows, axis=0)
