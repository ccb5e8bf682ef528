"""Checks of derivatives: gradients against differences, used parameters, structure of the Jacobian, growth."""

from typing import Any

import jax
import numpy as np

from .points import describe, to_rows
from .report import Finding, fail, skip, worst_finding, worst_of
from .subject import DIRECTIONS, GRADIENT_ROWS, Direction, Subject, loss_weights, precision

_STEP = 1e-6


def parameters_used(subject: Subject) -> Finding:
    """At perturbed parameters, every inexact leaf has a gradient that is not all zero, in both directions.

    JAX gives zeros, not None, for a leaf that is not used. Leaves of a `Frozen` are left out.
    """
    frozen = frozen_paths(subject.original)
    unused = []
    for direction in DIRECTIONS:
        batch = to_rows(subject.events(direction), GRADIENT_ROWS)
        gradients = subject.gradients(direction, batch, np.float64, subject.contexts(len(batch)))
        for name, value in gradients.items():
            if name.startswith("parameter") and value.size and not np.any(value) and name not in frozen:
                unused.append(f"{name} ({direction})")
    return fail(f"no gradient reaches {', '.join(unused)}.") if unused else Finding()


def frozen_paths(bijector: Any) -> set[str]:
    """The names of leaves inside a module whose class is called `Frozen`."""

    def is_frozen(node: Any) -> bool:
        return type(node).__name__ == "Frozen"

    found = set()
    for path, node in jax.tree_util.tree_flatten_with_path(bijector, is_leaf=is_frozen)[0]:
        if is_frozen(node):
            for inner, _ in jax.tree_util.tree_flatten_with_path(node)[0]:
                found.add(f"parameter{jax.tree_util.keystr(path + inner)}")
    return found


def gradcheck(subject: Subject) -> Finding:
    """In float64, reverse and forward mode agree with each other to 1e-8 and with central differences to 1e-5.

    The function is a weighted sum of outputs and log-determinants of four events, along random directions of the
    parameters and of the events.
    """
    findings = []
    random = np.random.default_rng(0)
    for direction in DIRECTIONS:
        events = _interior(subject, direction).astype(np.float64)
        contexts = subject.contexts(GRADIENT_ROWS)
        parameters = subject.cast(np.float64)
        gradients = subject.gradients(direction, events, np.float64, contexts)
        tangents = {
            "parameters": (jax.tree.map(lambda leaf: random.normal(size=leaf.shape), parameters), events * 0),
            "events": (jax.tree.map(np.zeros_like, parameters), random.normal(size=events.shape)),
        }
        for what, (along, shift) in tangents.items():
            named = jax.tree_util.tree_flatten_with_path(along)[0]
            reverse = float(np.sum(gradients["event"] * shift)) + sum(
                float(np.sum(gradients[f"parameter{jax.tree_util.keystr(path)}"] * leaf)) for path, leaf in named
            )
            forward = _forward_mode(subject, direction, (parameters, events, contexts), (along, shift))
            numeric = _difference(subject, direction, (parameters, events, contexts), (along, shift))
            where = f"{direction}, along {what}"
            size = 1 + abs(numeric)
            error = np.array([abs(reverse - forward)])
            findings.append(worst_of(error, 1e-8 * size, [where], "|reverse mode - forward mode|"))
            error = np.array([abs(reverse - numeric)])
            findings.append(worst_of(error, 1e-5 * size, [where], "|reverse mode - central difference|"))
    return worst_finding(findings)


def _interior(subject: Subject, direction: Direction) -> np.ndarray:
    """Events near the middle of the points, where a difference quotient is accurate."""
    events = subject.events(direction)
    size = np.abs(events.reshape(len(events), -1)).max(axis=1)
    return to_rows(events[np.argsort(size, kind="stable")[: 2 * GRADIENT_ROWS : 2]], GRADIENT_ROWS)


def _forward_mode(
    subject: Subject, direction: Direction, point: tuple[Any, ...], tangent: tuple[Any, ...]
) -> float:
    parameters, events, contexts = point
    still = None if contexts is None else np.zeros(contexts.shape)
    contexts = None if contexts is None else contexts.astype(np.float64)
    with precision(np.float64):
        _, slope = subject.compiled("tangent", direction)((parameters, events, contexts), (*tangent, still))
    return float(slope)


def _difference(
    subject: Subject, direction: Direction, point: tuple[Any, ...], tangent: tuple[Any, ...]
) -> float:
    """Central difference of the loss of `Subject.gradients`, from outputs and log-determinants."""
    parameters, events, contexts = point
    losses = []
    for sign in (1, -1):
        moved = jax.tree.map(lambda leaf, along, s=sign: leaf + s * _STEP * along, (parameters, events), tangent)
        out, log_det, _ = subject.jacobian(direction, moved[1], contexts, parameters=moved[0])
        heights = log_det + np.sum((out * loss_weights(out.shape[1:])).reshape(len(out), -1), axis=1)
        losses.append(float(np.mean(heights)))
    return (losses[0] - losses[1]) / (2 * _STEP)


def structure(subject: Subject) -> Finding:
    """If declared: the Jacobian dy/dx has exact zeros where the pattern says so, and nowhere else throughout."""
    if subject.structure is None:
        return skip("not declared.")
    findings = []
    for direction in DIRECTIONS:
        jacobian = subject.at_points[direction][2]
        allowed = _pattern(subject.structure, jacobian.shape[1], transpose=direction == "inverse")
        if allowed is None:
            continue
        seen = (jacobian != 0).any(axis=0)
        for wrong, what in ((seen & ~allowed, "not zero where the structure has a zero"),
                            (~seen & allowed, "zero at every point where the structure has an entry")):
            if wrong.any():
                row, column = np.argwhere(wrong)[0]
                where = f"d out[{row}] / d in[{column}]"
                message = f"{direction}: the Jacobian is {what}"
                findings.append(Finding(float(wrong.sum()), 0.0, where, message))
    return worst_finding(findings)


def _pattern(declared: Any, size: int, *, transpose: bool) -> np.ndarray | None:
    """Where entries may differ from zero; a pattern given as an array says nothing of the inverse's Jacobian."""
    ones = np.ones((size, size), bool)
    named = {"diagonal": np.eye(size, dtype=bool), "lower": np.tril(ones), "upper": np.triu(ones)}
    if isinstance(declared, str):
        return named[declared]
    return None if transpose else np.asarray(declared, bool)


def monotone(subject: Subject) -> Finding:
    """If declared: every output element grows strictly with its input element, and the Jacobian's diagonal is > 0."""
    if not subject.increasing:
        return skip("not declared.")
    findings = []
    for direction in DIRECTIONS:
        events = np.sort(subject.events(direction), axis=0)
        out, _, jacobian = subject.jacobian(direction, events, _one_context(subject, len(events)))
        steps, grown = np.diff(events, axis=0), np.diff(out, axis=0)
        bad = (grown <= 0) & (steps > 0)
        message = f"{direction}: the output does not grow with the input"
        findings.append(worst_of(bad.astype(float), 0.0, describe(events), message))
        slopes = np.diagonal(jacobian, axis1=1, axis2=2)
        findings.append(worst_of(~(slopes > 0), 0.0, describe(events), f"{direction}: a slope is not positive"))
    return worst_finding(findings)


def _one_context(subject: Subject, rows: int) -> np.ndarray | None:
    return None if subject.context is None else np.repeat(subject.context[:1], rows, axis=0)
