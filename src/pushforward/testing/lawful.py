"""Checks of a law's contract: shapes, contexts, keys, precision, gradients, training, model files."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ..bijectors.frozen import trainable
from ..distributions.base import Distribution
from ..distributions.flow import Flow
from ..errors import ShapeError
from ..io import load, save
from .law import LawSubject
from .points import describe, to_rows
from .programs import compiled
from .purity import restored, same_bits
from .report import Finding, fail, skip, worst_finding, worst_of
from .subject import precision

_EPSILON_32 = float(np.finfo(np.float32).eps)
_ROWS = 16
_GRADIENT_ROWS = 4
_EXTREMES = (0.0, 1e4, -1e4, 1e15, -1e15)


def data_in_support(subject: LawSubject) -> Finding:
    """The events given are finite, and so are their log-densities in float64."""
    bad = ~np.isfinite(subject.x.reshape(len(subject.x), -1).sum(axis=1))
    if bad.any():
        return fail(f"{bad.sum()} of {len(subject.x)} events are not finite.", f"row {int(np.argmax(bad))}")
    bad = ~np.isfinite(subject.log_prob(subject.x, every=subject.contexts(len(subject.x))))
    if bad.any():
        return fail(
            f"{bad.sum()} of {len(subject.x)} log-densities are not finite.", f"row {int(np.argmax(bad))}"
        )
    return Finding()


def batch_shapes(subject: LawSubject) -> Finding:
    """log_prob, sample and sample_and_log_prob give the shapes of batches; any NumPy view will do."""
    law, event, key = subject.law(), subject.original.event_shape, jr.key(0)
    one = None if subject.context is None else subject.context[0]
    shapes = []
    for batch in ((2, 3), (0,)):
        got = jax.eval_shape(law.log_prob, jax.ShapeDtypeStruct(batch + event, np.float32), one)
        shapes.append(("log_prob", got.shape, batch))
    x, log_prob = jax.eval_shape(functools.partial(_pairs, law), key, one)
    shapes.append(("sample_and_log_prob", (x.shape, log_prob.shape), ((2, 3, *event), (2, 3))))
    drawn = np.shape(_drawn(subject, jr.key(0)))
    shapes.append(("sample", drawn, (4, *event)))
    wrong = [
        fail(f"{name} gives {got}, expected {expected}.") for name, got, expected in shapes if got != expected
    ]
    return worst_finding([*wrong, *_views(subject)])


def _pairs(law: Distribution, key: Any, context: Any) -> Any:
    return law.sample_and_log_prob(key, (2, 3), context)


def _drawn(subject: LawSubject, key: Any, count: int = 4) -> np.ndarray:
    """Draws in float32 through the public door, under the first context."""
    return np.asarray(
        subject.law().sample(key, (count,), None if subject.context is None else subject.context[0])
    )


def _at_the_door(subject: LawSubject, x: np.ndarray, context: Any = "own") -> np.ndarray:
    """Log-densities in float32 of _ROWS rows through the public door: one program serves all checks."""
    return np.asarray(
        subject.law().log_prob(x, subject.contexts(len(x)) if isinstance(context, str) else context)
    )


def _views(subject: LawSubject) -> list[Finding]:
    x, context = to_rows(subject.x, _ROWS), subject.contexts(_ROWS)
    expected = _at_the_door(subject, x)
    strided = np.repeat(x, 2, axis=0)[::2]
    strided.setflags(write=False)
    flipped = _at_the_door(subject, x[::-1], None if context is None else context[::-1])
    alike = _at_the_door(subject, np.broadcast_to(x[:1], x.shape), None if context is None else context[0])
    return [
        _rounding(_at_the_door(subject, strided), expected, x, "log_prob of a non-contiguous array"),
        _rounding(flipped[::-1], expected, x, "log_prob of rows in another order"),
        _rounding(alike, np.repeat(expected[:1], _ROWS), x, "log_prob of a broadcast array"),
    ]


def _rounding(value: np.ndarray, expected: np.ndarray, x: np.ndarray, message: str) -> Finding:
    error = np.abs(value - expected)
    return worst_of(error, 300 * _EPSILON_32 * (1 + np.abs(expected)), describe(x), f"change of {message}")


def context_matters(subject: LawSubject) -> Finding:
    """Another context gives another density."""
    if subject.context is None:
        return skip("takes no context.")
    if len(subject.context) < 2 or np.ptp(subject.context, axis=0).max() == 0:
        return skip("only one context was given.")
    x = to_rows(subject.x, _ROWS)
    other = to_rows(np.roll(subject.context, 1, axis=0), _ROWS)
    same = np.array_equal(_at_the_door(subject, x), _at_the_door(subject, x, other))
    return fail("log_prob does not depend on the context.") if same else Finding()


def bad_input_raises(subject: LawSubject) -> Finding:
    """A ShapeError meets events of another shape, and a missing, superfluous or wrongly shaped context."""
    law, x, shape = subject.law(), subject.x[:1], subject.original.context_shape
    context = subject.contexts(1)
    cases: dict[str, tuple[Any, Any]] = {
        "events of another shape": (np.zeros((1, subject.features + 1), np.float32), context)
    }
    if shape is None:
        cases["a superfluous context"] = (x, np.zeros((1, 2), np.float32))
    else:
        cases["a missing context"] = (x, None)
        cases["a context of another shape"] = (x, np.zeros((1, int(np.prod(shape)) + 1), np.float32))
    findings = []
    for name, arguments in cases.items():
        try:
            law.log_prob(*arguments)
        except ShapeError:
            continue
        except Exception as error:
            findings.append(fail(f"{name} raises {type(error).__name__}, expected ShapeError."))
        else:
            findings.append(fail(f"{name} raises nothing, expected ShapeError."))
    return worst_finding(findings)


def dtype(subject: LawSubject) -> Finding:
    """log_prob of float32 events with float32 parameters is float32, with x64 enabled; and so for float64."""
    findings = []
    for kind in (np.float32, np.float64):
        with precision(np.float64):
            context = None if subject.context is None else subject.context[0].astype(kind)
            got = jax.eval_shape(subject.law(kind).log_prob, subject.x[0].astype(kind), context)
        if got.dtype != kind:
            findings.append(
                fail(f"log_prob is {got.dtype} with everything in {np.dtype(kind)} and x64 enabled.")
            )
        if got.shape != ():
            findings.append(fail(f"log_prob of one event has shape {got.shape}, expected ()."))
    return worst_finding(findings)


def nan_stays_nan(subject: LawSubject) -> Finding:
    """The log-density of NaN is NaN: nothing turns a defect into impossible data."""
    x = to_rows(subject.x, _ROWS).copy()
    x[0].reshape(-1)[-1] = np.nan
    value = float(_at_the_door(subject, x)[0])
    return Finding() if np.isnan(value) else fail(f"log_prob of an event with NaN is {value}.")


def outside_support(subject: LawSubject) -> Finding:
    """If a support is declared: log_prob is -inf outside of it, and between whole numbers; the draws are inside."""
    if subject.support is None:
        return skip("every event is in the declared support.")
    low, high = subject.support
    findings = []
    between = [] if subject.values is None else [(low, 0.5), (high, -1e-3)]
    for end, step in ((low, -1.0), (low, -1e4), (high, 1.0), (high, 1e4), *between):
        x = subject.x[:1].copy()
        x.reshape(-1)[0] = end[0] + step
        value = float(subject.law().log_prob(x, subject.contexts(1))[0])
        if value != -np.inf:
            findings.append(
                fail(f"log_prob outside the support is {value}, expected -inf.", f"x[0] = {end[0] + step}")
            )
    flat = subject.draws.x.reshape(-1, subject.features)
    if ((flat < low) | (flat > high)).any():
        findings.append(fail("a draw lies outside the support."))
    if subject.values is not None and (flat != np.round(flat)).any():
        findings.append(fail("a draw lies between the whole numbers."))
    return worst_finding(findings)


def sample_matches_log_prob(subject: LawSubject) -> Finding:
    """The log-densities that come with draws equal log_prob of the draws, in float64, to 1e-7 (1 + |.|)."""
    draws = subject.pilot
    if not np.isfinite(draws.x).all():
        return fail("a draw is not finite.")
    again = subject.log_prob(draws.x)
    bound = 1e-7 * (1 + np.abs(again))
    return worst_of(
        np.abs(again - draws.log_prob), bound, describe(draws.x), "|log_prob(sample) - its log_prob|"
    )


def key_respected(subject: LawSubject) -> Finding:
    """The same key gives the same draws, another key others; no two are alike; global generators rest.

    Over whole numbers single draws may well be alike: there 256 of them must not be, nor those of two keys.
    """
    discrete = subject.values is not None
    with restored() as changed:
        one, again, other = (_drawn(subject, jr.key(seed), 256 if discrete else 4) for seed in (1, 1, 2))
    findings = [fail(f"sampling changed {', '.join(changed)}.")] if changed else []
    if not same_bits(one, again):
        findings.append(fail("the same key gave other draws."))
    alike = (one == other).all(axis=tuple(range(1, one.ndim)))
    if alike.all() if discrete else alike.any():
        findings.append(fail("another key gave the same draws."))
    if len(np.unique(one.reshape(len(one), -1), axis=0)) < (2 if discrete else len(one)):
        findings.append(fail("two draws of one call are alike."))
    return worst_finding(findings)


def float32_accuracy(subject: LawSubject) -> Finding:
    """log_prob in float32 agrees with float64 to 1e-3, relative to 1 + |log_prob|."""
    x = to_rows(subject.x, _ROWS)
    exact = subject.log_prob(x, every=subject.contexts(_ROWS))
    error = np.abs(_at_the_door(subject, x) - exact)
    return worst_of(error, 1e-3 * (1 + np.abs(exact)), describe(x), "|float32 - float64|")


def round_trip(subject: LawSubject) -> Finding:
    """A Flow's to_data(to_base(x)) is x in float64, to 1e-6 (1 + |x|); values pass through the host."""
    if not isinstance(subject.original, Flow):
        return skip("the law is not a Flow.")
    x, context = to_rows(subject.x, _ROWS), subject.contexts(_ROWS)
    values = x.astype(np.float64)
    with precision(np.float64):
        condition = None if context is None else context.astype(np.float64)
        for direction in ("inverse", "forward"):
            program = compiled(_mapped(subject, direction))
            values = np.asarray(program(subject.cast(np.float64), values, condition))
    return worst_of(np.abs(values - x), 1e-6 * (1 + np.abs(x)), describe(x), "|to_data(to_base(x)) - x|")


def _mapped(subject: LawSubject, direction: str) -> Callable:
    def apply(parameters: Any, values: jax.Array, context: jax.Array | None) -> jax.Array:
        flow = eqx.combine(parameters, subject.static)
        needed = None if flow.bijector.context_shape is None else context
        return jax.vmap(getattr(flow.bijector, direction))(values, needed)

    return apply


def reference_law(subject: LawSubject) -> Finding:
    """If a reference is given: log_prob equals it in float64 at x and at draws, to 1e-9 (1 + |.|)."""
    if subject.reference is None:
        return skip("no reference was given.")
    events = np.concatenate([subject.x.astype(np.float64), subject.pilot.x[:64]])
    every = subject.contexts(1)
    value = subject.log_prob(events, every=None if every is None else to_rows(every, len(events)))
    expected = np.asarray(subject.reference(events), np.float64)
    error = np.abs(value - expected)
    return worst_of(error, 1e-9 * (1 + np.abs(expected)), describe(events), "|log_prob - reference|")


def gradients_finite(subject: LawSubject) -> Finding:
    """Gradients of the mean log-density are finite, also if one row of the batch holds an extreme number."""
    rows = to_rows(subject.x, _GRADIENT_ROWS)
    findings = [_gradients_at(subject, rows, "x")]
    if subject.support is None or subject.values is not None:
        for number in _EXTREMES:
            batch = rows.copy()
            batch[0] = number
            findings.append(_gradients_at(subject, batch, f"a batch with one row of {number:g}"))
    return worst_finding(findings)


def _gradients_at(subject: LawSubject, batch: np.ndarray, where: str) -> Finding:
    gradients = _gradients(subject, batch)
    bad = [
        jax.tree_util.keystr(path) or "the event"
        for path, leaf in jax.tree_util.tree_flatten_with_path(gradients)[0]
        if not np.isfinite(leaf).all()
    ]
    return (
        fail(f"not finite: the gradients of {len(bad)} leaves, first {bad[0]}.", where) if bad else Finding()
    )


def _gradients(subject: LawSubject, batch: np.ndarray) -> Any:
    """Float32 gradients of the mean log-density of four events, for the parameters and the events."""

    def build() -> Any:
        def mean(parameters: Any, x: jax.Array, context: jax.Array | None) -> jax.Array:
            law = eqx.combine(parameters, subject.static)
            return jnp.mean(jax.vmap(law._log_prob)(x, context))

        return compiled(jax.grad(mean, argnums=(0, 1)))

    function = subject.once("gradients", build)
    return jax.tree.map(np.asarray, function(subject.cast(np.float32), batch, subject.contexts(len(batch))))


def step_lowers_loss(subject: LawSubject) -> Finding:
    """One step of Adam on four events lowers their mean negative log-density, seen in float64."""
    if not any(jax.tree.leaves(trainable(subject.original))):
        return skip("nothing is trainable.")
    batch = to_rows(subject.x, _GRADIENT_ROWS)
    context = subject.contexts(_GRADIENT_ROWS)
    uphill = _gradients(subject, batch)[0]
    # What is Frozen has gradient zero, so Adam leaves it where it is.
    before = -subject.log_prob(batch, every=context).mean()
    losses = []
    for rate in (1e-3, 1e-4, 1e-5):
        # Adam's first step: the running means of g and g^2, bias-corrected, are g and g^2 themselves.
        moved = jax.tree.map(
            lambda leaf, up, r=rate: np.float64(leaf) + r * np.float64(up) / (np.abs(np.float64(up)) + 1e-8),
            subject.cast(np.float32),
            uphill,
        )
        losses.append(float(-subject.log_prob(batch, every=context, parameters=moved).mean()))
        if losses[-1] < before:
            return Finding(message=f"from {before:.6f} to {losses[-1]:.6f} nats at rate {rate:g}")
    return fail(f"the loss went from {before:.9g} to {min(losses):.9g} nats, whatever the rate.")


def save_and_load(subject: LawSubject) -> Finding:
    """A flow built by a recipe, saved and loaded, gives bit-equal log-densities and draws."""
    if getattr(subject.original, "recipe", None) is None:
        return skip("no recipe built it, so that it cannot be saved.")
    flow: Any = subject.law()
    x, context = to_rows(subject.x, _ROWS), subject.contexts(_ROWS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow.safetensors"
        save(flow, path)
        twin = load(path)
    if not same_bits(np.asarray(flow.log_prob(x, context)), np.asarray(twin.log_prob(x, context))):
        return fail("log_prob differs after loading.")
    one = None if context is None else context[0]
    draws = [np.asarray(law.sample(jr.key(0), (4,), one)) for law in (flow, twin)]
    return Finding() if same_bits(*draws) else fail("draws differ after loading.")
