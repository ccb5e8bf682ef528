"""Checks that a map is a pure function of a plain tree: no state, no side effects, however it is run."""

import contextlib
import copy
import logging
import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ..bijectors.base import BATCH_AXIS, Bijector
from .points import submodules
from .programs import DIRECTIONS, Direction
from .report import Finding, fail, worst_finding, worst_of
from .subject import Alone, Subject

_EPSILON_32 = float(np.finfo(np.float32).eps)


def global_state() -> dict[str, Any]:
    """What a call must leave alone: JAX's configuration, random generators, warning filters, log handlers."""
    generator: Any = np.random.get_state()  # noqa: NPY002 - the global generator is what must not change
    return {
        "the JAX configuration": dict(jax.config.values),
        "NumPy's global random generator": (generator[0], generator[1].tobytes(), *generator[2:]),
        "Python's global random generator": random.getstate(),
        "the warning filters": list(warnings.filters),
        "the root logger": (list(logging.getLogger().handlers), logging.getLogger().level),
    }


@contextlib.contextmanager
def restored() -> Iterator[list[str]]:
    """Put the global state back at the end, and then list what had changed."""
    changed: list[str] = []
    generator: Any = np.random.get_state()  # noqa: NPY002
    with warnings.catch_warnings():
        before = global_state()
        try:
            yield changed
        finally:
            after = global_state()
            changed += [what for what in before if before[what] != after[what]]
            for name, value in before["the JAX configuration"].items():
                if jax.config.values[name] != value:
                    jax.config.update(name, value)
            np.random.set_state(generator)  # noqa: NPY002
            random.setstate(before["Python's global random generator"])
            logging.getLogger().handlers[:], level = before["the root logger"]
            logging.getLogger().setLevel(level)


def no_global_state(subject: Subject) -> Finding:
    """Calls change no configuration, random generator, warning filter or log handler."""
    changed = [what for direction in DIRECTIONS for what in alone(subject, direction).changed]
    return fail(f"a call changed {', '.join(dict.fromkeys(changed))}.") if changed else Finding()


def no_input_mutation(subject: Subject) -> Finding:
    """Calls leave read-only NumPy inputs, and all leaves, bit-equal; none is deleted."""
    bijector = subject.bijector()
    leaves = [leaf for leaf in jax.tree.leaves(bijector) if eqx.is_array(leaf)]
    before = [np.array(leaf) for leaf in leaves]
    findings = []
    for direction in DIRECTIONS:
        for method in (f"{direction}_and_log_det", direction):
            inputs = [subject.events(direction)[0].copy()]
            inputs += [] if subject.context is None else [subject.context[0].copy()]
            for array in inputs:
                array.setflags(write=False)
            try:
                getattr(bijector, method)(*inputs)
            except ValueError as error:  # so NumPy meets an attempt to write
                findings.append(fail(f"{method} raised with a read-only input: {error}."))
    for leaf, kept in zip(leaves, before, strict=True):
        if leaf.is_deleted() or not same_bits(np.asarray(leaf), kept):
            findings.append(fail("a call changed or deleted a parameter."))
    return worst_finding(findings)


def deterministic(subject: Subject) -> Finding:
    """The same call gives the same bits: after another call, with the same key, and compiled."""
    findings = []
    for direction in DIRECTIONS:
        events = subject.events(direction)
        once = alone(subject, direction)[:2]
        plain(subject, direction, events[-1])
        keyed = [plain(subject, direction, events[0], jr.key(0)) for _ in range(2)]
        compiled = [subject.values(direction, events, np.float32) for _ in range(2)]
        for how, first, second in (
            ("without a key", once, plain(subject, direction, events[0])),
            ("with a key", *keyed),
            ("compiled", *compiled),
        ):
            if not all(same_bits(a, b) for a, b in zip(first, second, strict=True)):
                findings.append(fail(f"{direction}, {how}: a second call gave other bits."))
    return worst_finding(findings)


def transforms_compose(subject: Subject) -> Finding:
    """jit, vmap over events and contexts, and vmap over stacked parameters give what the plain call gives.

    Gradients through these compositions are compared in `gradcheck`. A quick run leaves stacked parameters out.
    """
    findings = []
    for direction in DIRECTIONS:
        events, contexts = subject.events(direction)[:2], subject.contexts(2)
        batched = subject.values(direction, events, np.float32, contexts)
        stacked = batched
        if not subject.quick:
            function = subject.compiled("stacked", direction)
            stacked = [np.asarray(leaf) for leaf in function(subject.cast(np.float32), events, contexts)]
        single = alone(subject, direction)[:2]
        for name, value, expected in (
            ("vmap under jit", [leaf[0] for leaf in batched], single),
            ("vmap over stacked parameters", stacked, batched),
        ):
            findings += [
                _compared(f"{direction}: {name}", a, b, events, subject.accuracy)
                for a, b in zip(value, expected, strict=True)
            ]
    return worst_finding(findings)


def _compared(
    name: str, value: np.ndarray, expected: np.ndarray, events: np.ndarray, accuracy: float
) -> Finding:
    if value.shape != expected.shape:
        return fail(f"{name} gives shape {value.shape}, not {expected.shape}.")
    bound = (300 * _EPSILON_32 + accuracy) * (1 + np.abs(expected) + np.abs(events).max())
    return worst_of(np.abs(value - expected)[None], bound[None], message=f"|{name} - plain call|")


def tree_round_trip(subject: Subject) -> Finding:
    """Flattening, partition, deep copies and stored bytes give the same tree; repr names every bijector."""
    bijector = subject.bijector()
    leaves, structure = jax.tree.flatten(bijector)
    arrays, rest = eqx.partition(bijector, eqx.is_array)
    flat, skeleton = jax.tree.flatten(arrays)
    stored = [(np.asarray(leaf).dtype, leaf.shape, np.asarray(leaf).tobytes()) for leaf in flat]
    loaded = [jnp.asarray(np.frombuffer(data, dtype).reshape(shape)) for dtype, shape, data in stored]
    findings = []
    for name, twin in (
        ("flatten and unflatten", jax.tree.unflatten(structure, leaves)),
        ("partition and combine", eqx.combine(arrays, rest)),
        ("deepcopy", copy.deepcopy(bijector)),
        ("bytes and back", eqx.combine(jax.tree.unflatten(skeleton, loaded), rest)),
    ):
        if not eqx.tree_equal(bijector, twin):
            findings.append(fail(f"{name} gives another tree."))
    text = repr(bijector)
    missing = {type(part).__name__ for part in submodules(bijector) if isinstance(part, Bijector)}
    missing = {name for name in missing if name not in text}
    if missing:
        findings.append(fail(f"repr does not name {', '.join(sorted(missing))}."))
    return worst_finding(findings)


def alone(subject: Subject, direction: Direction) -> Alone:
    """A plain call on the first event, made once."""
    if direction not in subject.alone:
        with restored() as changed:
            out, log_det = plain(subject, direction, subject.events(direction)[0])
        subject.alone[direction] = Alone(out, log_det, changed)
    return subject.alone[direction]


def plain(subject: Subject, direction: Direction, event: np.ndarray, key: Any = None) -> list[np.ndarray]:
    """Call one direction on one event without any transformation; with a key in a training batch of one."""
    context = None if subject.context is None else subject.context[0]
    method: Callable = getattr(subject.bijector(), f"{direction}_and_log_det")
    if key is None:
        return [np.asarray(leaf) for leaf in method(event, context)]
    batch = jax.vmap(lambda row: method(row, context, key=key), axis_name=BATCH_AXIS)(event[None])
    return [np.asarray(leaf[0]) for leaf in batch]


def same_bits(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    """Whether two arrays agree in shape, dtype and every bit."""
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
