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
import safetensors.numpy

from ..bijectors.base import Bijector
from .points import submodules
from .report import Finding, fail, worst_finding, worst_of
from .subject import DIRECTIONS, Direction, Subject

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
    with restored() as changed:
        for direction in DIRECTIONS:
            plain(subject, direction, subject.events(direction)[0])
    return fail(f"a call changed {', '.join(changed)}.") if changed else Finding()


def no_input_mutation(subject: Subject) -> Finding:
    """NumPy inputs, read-only ones too, and all leaves are bit-equal after every call; none is deleted."""
    bijector = subject.bijector()
    leaves = [leaf for leaf in jax.tree.leaves(bijector) if eqx.is_array(leaf)]
    before = [np.array(leaf) for leaf in leaves]
    findings = []
    for direction in DIRECTIONS:
        for method in (f"{direction}_and_log_det", direction):
            event = subject.events(direction)[0].copy()
            context = None if subject.context is None else subject.context[0].copy()
            kept = event.copy(), None if context is None else context.copy()
            getattr(bijector, method)(event, context)
            if not same_bits(event, kept[0]) or not same_bits(context, kept[1]):
                findings.append(fail(f"{method} wrote to its input."))
            event = kept[0].copy()
            event.setflags(write=False)
            try:
                getattr(bijector, method)(event, kept[1])
            except ValueError as error:
                findings.append(fail(f"{method} refused a read-only input: {error}."))
    for leaf, kept_leaf in zip(leaves, before, strict=True):
        if leaf.is_deleted() or not same_bits(np.asarray(leaf), kept_leaf):
            findings.append(fail("a call changed or deleted a parameter."))
    return worst_finding(findings)


def deterministic(subject: Subject) -> Finding:
    """The same call gives the same bits: without a key, with the same key, and after other calls between."""
    findings = []
    key = jr.key(0)
    for direction in DIRECTIONS:
        first, second = subject.events(direction)[:1], subject.events(direction)[-1:]
        for used, name in ((None, "without a key"), (key, "with a key")):
            once = plain(subject, direction, first[0], used)
            plain(subject, direction, second[0], used)
            if not all(
                same_bits(a, b) for a, b in zip(once, plain(subject, direction, first[0], used), strict=True)
            ):
                findings.append(fail(f"{direction} {name}: a second call gave other bits."))
        events = subject.events(direction)
        runs = [subject.values(direction, events, np.float32) for _ in range(2)]
        if not all(same_bits(a, b) for a, b in zip(*runs, strict=True)):
            findings.append(fail(f"{direction}, compiled: a second call gave other bits."))
    return worst_finding(findings)


def transforms_compose(subject: Subject) -> Finding:
    """jit, vmap over events and contexts, and vmap over stacked parameters give what the plain call gives.

    Gradients through these compositions are compared in `gradcheck`.
    """
    findings = []
    for direction in DIRECTIONS:
        events, contexts = subject.events(direction)[:2], subject.contexts(2)
        batched = subject.values(direction, events, np.float32, contexts)
        function = subject.compiled("stacked", direction)
        stacked = [np.asarray(leaf) for leaf in function(subject.cast(np.float32), events, contexts)]
        alone = plain(subject, direction, events[0])
        for name, value, expected in (
            ("vmap under jit", [leaf[0] for leaf in batched], alone),
            ("vmap over stacked parameters", stacked, batched),
        ):
            findings += [
                _compared(f"{direction}: {name}", a, b, events) for a, b in zip(value, expected, strict=True)
            ]
    return worst_finding(findings)


def _compared(name: str, value: np.ndarray, expected: np.ndarray, events: np.ndarray) -> Finding:
    if value.shape != expected.shape:
        return fail(f"{name} gives shape {value.shape}, not {expected.shape}.")
    bound = 300 * _EPSILON_32 * (1 + np.abs(expected) + np.abs(events).max())
    return worst_of(np.abs(value - expected)[None], bound[None], message=f"|{name} - plain call|")


def tree_round_trip(subject: Subject) -> Finding:
    """Flattening, partition, deep copies and stored bytes give the same tree; repr names every bijector."""
    bijector = subject.bijector()
    leaves, structure = jax.tree.flatten(bijector)
    arrays, rest = eqx.partition(bijector, eqx.is_array)
    flat, skeleton = jax.tree.flatten(arrays)
    stored = safetensors.numpy.load(
        safetensors.numpy.save({str(index): np.asarray(leaf) for index, leaf in enumerate(flat)})
    )
    loaded = jax.tree.unflatten(skeleton, [jnp.asarray(stored[str(index)]) for index in range(len(flat))])
    findings = []
    for name, twin in (
        ("flatten and unflatten", jax.tree.unflatten(structure, leaves)),
        ("partition and combine", eqx.combine(arrays, rest)),
        ("deepcopy", copy.deepcopy(bijector)),
        ("safetensors and back", eqx.combine(loaded, rest)),
    ):
        if not eqx.tree_equal(bijector, twin):
            findings.append(fail(f"{name} gives another tree."))
    text = repr(bijector)
    missing = {type(part).__name__ for part in submodules(bijector) if isinstance(part, Bijector)}
    missing = {name for name in missing if name not in text}
    if missing:
        findings.append(fail(f"repr does not name {', '.join(sorted(missing))}."))
    return worst_finding(findings)


def plain(subject: Subject, direction: Direction, event: np.ndarray, key: Any = None) -> list[np.ndarray]:
    """Call one direction on one event without any transformation."""
    context = None if subject.context is None else subject.context[0]
    method: Callable = getattr(subject.bijector(), f"{direction}_and_log_det")
    return [np.asarray(leaf) for leaf in method(event, context, key=key)]


def same_bits(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    """Whether two arrays agree in shape, dtype and every bit."""
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
