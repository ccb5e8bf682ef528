"""Checks of the mathematics: the directions undo each other, the log-determinants are the Jacobians'."""

import numpy as np

from .points import describe
from .programs import DIRECTIONS, Direction
from .report import Finding, skip, worst_finding, worst_of
from .subject import Subject

_EPSILON = float(np.finfo(np.float64).eps)
_EPSILON_32 = float(np.finfo(np.float32).eps)
_WORST_CONDITION = 1e6
"""Conditioning explains at most this factor: a map that is flatter at its test points is not invertible."""


def round_trip_x(subject: Subject) -> Finding:
    """inverse(forward(x)) = x in float64: 1e3 rounding errors, and 10 more times the conditioning."""
    return _round_trip(subject, "forward")


def round_trip_y(subject: Subject) -> Finding:
    """forward(inverse(y)) = y in float64: 1e3 rounding errors, and 10 more times the conditioning."""
    return _round_trip(subject, "inverse")


def _round_trip(subject: Subject, first: Direction) -> Finding:
    second: Direction = "inverse" if first == "forward" else "forward"
    start = subject.events(first).astype(np.float64)
    middle, _, jacobian, _ = subject.at_points[first]
    # `middle` comes from the host and enters another compiled function.
    back = subject.exact(second, middle).out
    rows = len(start)
    error = np.abs(back - start).reshape(rows, -1)
    size = 1 + np.abs(start).reshape(rows, -1)
    # A rounding error of y comes back through the inverse Jacobian: at most |J^-1| eps (1 + |y|).
    _, smallest = _singular_values(jacobian)
    stretch = (1 + np.linalg.norm(middle.reshape(rows, -1), axis=1)) / np.maximum(
        smallest, 1 / _WORST_CONDITION
    )
    stretch = np.minimum(stretch[:, None], _WORST_CONDITION * size)
    bound = _EPSILON * (1e3 * size + 10 * stretch) + subject.accuracy * (size + stretch)
    return worst_of(error, bound, describe(start), f"|{second}({first}(.)) - .| in float64")


def log_det_forward(subject: Subject) -> Finding:
    """The forward log-determinant equals slogdet of the forward map's Jacobian, in float64."""
    return _log_det(subject, "forward")


def log_det_inverse(subject: Subject) -> Finding:
    """The inverse log-determinant equals slogdet of the inverse map's own Jacobian, in float64."""
    return _log_det(subject, "inverse")


def _log_det(subject: Subject, direction: Direction) -> Finding:
    _, log_det, jacobian, _ = subject.at_points[direction]
    if log_det.ndim != 1:
        return Finding(1.0, 0.0, "", f"log_det has shape {log_det.shape[1:]} per event; see log_det_shape")
    if jacobian.shape[1] != jacobian.shape[2]:
        return skip(f"the Jacobian is {jacobian.shape[1]} x {jacobian.shape[2]}, not square.")
    largest, smallest = _singular_values(jacobian)
    condition = np.minimum(largest / np.maximum(smallest, 1e-300), _WORST_CONDITION)
    with np.errstate(all="ignore"):
        expected = np.linalg.slogdet(jacobian)[1]
        error = np.abs(log_det - expected)
    # An error of the outputs is taken to vary over a length of 1, so the Jacobian's is as large.
    bound = (1e4 * _EPSILON + subject.accuracy) * (1 + np.abs(log_det) + jacobian.shape[1] * condition)
    return worst_of(
        error,
        bound,
        describe(subject.events(direction)),
        f"|log_det - slogdet of the {direction} Jacobian| in nats",
    )


def log_dets_negate(subject: Subject) -> Finding:
    """The two log-determinants at the two ends of one path sum to zero. Alone this proves nothing."""
    image, log_det, jacobian, _ = subject.at_points["forward"]
    other = subject.exact("inverse", image).log_det
    if log_det.shape != other.shape:
        return Finding(
            1.0, 0.0, "", f"log_dets of shapes {log_det.shape[1:]} and {other.shape[1:]} per event"
        )
    largest, smallest = _singular_values(jacobian)
    condition = np.minimum(largest / np.maximum(smallest, 1e-300), _WORST_CONDITION)
    bound = (1e5 * _EPSILON + subject.accuracy) * (1 + np.abs(log_det) + condition)
    bound = bound.reshape((-1,) + (1,) * (log_det.ndim - 1))
    return worst_of(np.abs(log_det + other), bound, describe(subject.x), "|log_det(x) + log_det(y)| in nats")


def float32_accuracy(subject: Subject) -> Finding:
    """In float32, outputs and log-dets lose no more bits against float64 than the conditioning explains.

    Allowed are 300 rounding errors of the value itself, of 1, and of every 1 + |x_j| as the derivatives
    carry it on.
    """
    findings = []
    for direction in DIRECTIONS:
        events = subject.events(direction)
        rows, places = len(events), describe(events)
        out, log_det = subject.values(direction, events, np.float32)
        exact = subject.at_points[direction]
        if log_det.ndim != 1:
            return Finding(
                1.0, 0.0, "", f"log_det has shape {log_det.shape[1:]} per event; see log_det_shape"
            )
        reach = 1 + np.abs(events.reshape(rows, -1))
        for name, value, true, carried in (
            (
                "output",
                out,
                exact.out.reshape(rows, -1),
                np.einsum("noi,ni->no", np.abs(exact.jacobian), reach),
            ),
            (
                "log_det",
                log_det,
                exact.log_det[:, None],
                np.sum(np.abs(exact.slope) * reach, axis=1)[:, None],
            ),
        ):
            error = np.abs(value.reshape(true.shape).astype(np.float64) - true)
            bound = 300 * _EPSILON_32 * (1 + np.abs(true) + np.minimum(carried, _WORST_CONDITION))
            bound += subject.accuracy * (1 + np.abs(true))
            findings.append(worst_of(error, bound, places, f"{direction}: |float32 - float64| of the {name}"))
    return worst_finding(findings)


def identity_at_init(subject: Subject) -> Finding:
    """If declared: the bijector as given returns its input, with log-determinant zero, within 1e-5."""
    if not subject.identity_at_init:
        return skip("not declared.")
    initial = subject.cast(np.float64, initial=True)
    findings = []
    for direction in DIRECTIONS:
        events = subject.events(direction).astype(np.float64)
        out, log_det, *_ = subject.exact(direction, events, parameters=initial)
        size = 1 + np.abs(events)
        places = describe(events)
        findings.append(
            worst_of(np.abs(out - events), 1e-5 * size, places, f"|{direction}(.) - .| as initialised")
        )
        findings.append(worst_of(np.abs(log_det), 1e-5, places, f"|log_det| of {direction} as initialised"))
    return worst_finding(findings)


def _singular_values(jacobian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest and smallest singular value of every Jacobian; 1 where it is not finite."""
    usable = np.isfinite(jacobian).all(axis=(1, 2), keepdims=True)
    values = np.linalg.svd(np.where(usable, jacobian, np.eye(*jacobian.shape[1:])), compute_uv=False)
    return values[:, 0], values[:, -1]
