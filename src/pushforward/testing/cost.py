"""The check that the direction declared cheap is: conditioner passes are counted, endless loops are found."""

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from ..bijectors.base import Bijector
from ..bijectors.compose import Stack
from ..numerics.batching import PREFIX
from .programs import DIRECTIONS, Direction, event_function
from .report import Finding, fail, worst_finding
from .subject import Subject

_MARK = "conditioner_pass_"


class Counted(eqx.Module):
    """A conditioner that leaves a mark in the traced program at every pass; else the same conditioner.

    Args:
        net: the conditioner.
        index: what the mark is called.
    """

    net: Callable
    index: int = eqx.field(static=True)

    def __call__(self, *inputs: Any, key: PRNGKeyArray | None = None) -> Array:
        """Call the conditioner inside a named inner program, which the count looks for."""
        arrays, static = eqx.partition((self.net, inputs, key), eqx.is_array)

        def run(arrays: Any) -> Array:
            net, inputs, key = eqx.combine(arrays, static)
            return net(*inputs, key=key)

        run.__name__ = f"{_MARK}{self.index}"
        return jax.jit(run)(arrays)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "net":
            raise AttributeError(name)
        return getattr(self.net, name)


def cheap_side(subject: Subject) -> Finding:
    """A direction declared cheap passes each conditioner once, and does not iterate until convergence.

    If only one direction is declared cheap, the other one must pass a conditioner more often, or iterate.
    """
    cheap = subject.original.cheap
    marked, expected = _marked(subject.bijector())
    parameters, static = eqx.partition(marked, eqx.is_inexact_array)
    findings, dear = [], []
    for direction in DIRECTIONS:
        passes, loops = _count(parameters, static, subject, direction)
        if cheap in ("both", direction):
            for index, times in expected.items():
                if passes[index] != times:
                    counted = f"{passes[index]} passes of a conditioner, not {times}"
                    findings.append(fail(f"{direction} is declared cheap, but makes {counted}."))
            if loops:
                findings.append(
                    fail(f"{direction} is declared cheap, but holds {loops} loops of unknown length.")
                )
        else:
            dear.append(any(passes[index] != times for index, times in expected.items()) or loops > 0)
    if cheap in ("forward", "inverse") and not any(dear):
        findings.append(fail(f"only {cheap} is declared cheap, but the other direction costs one pass too."))
    return worst_finding(findings)


def _marked(bijector: Bijector) -> tuple[Bijector, dict[int, int]]:
    """Wrap every conditioner in a `Counted`, and say how often one pass through the map should call each."""
    expected: dict[int, int] = {}

    def visit(node: Any, times: int) -> Any:
        if isinstance(node, (list, tuple)) and not hasattr(node, "_fields"):
            return type(node)(visit(item, times) for item in node)
        if not isinstance(node, Bijector):
            return node
        inner = times * node.depth if isinstance(node, Stack) else times
        changes = {}
        for field in node.__dataclass_fields__:
            value = getattr(node, field)
            if field == "net" and callable(value):
                changes[field] = Counted(value, len(expected))
                expected[len(expected)] = inner
            else:
                changes[field] = visit(value, inner)
        twin = object.__new__(type(node))
        for field, value in changes.items():
            object.__setattr__(twin, field, value)
        return twin

    return visit(bijector, 1), expected


def _count(parameters: Any, static: Any, subject: Subject, direction: Direction) -> tuple[Counter, int]:
    """Trace one direction; return how often each conditioner is passed, and the loops of unknown length."""
    event = jax.ShapeDtypeStruct(subject.shapes[direction], np.float32)
    shape = subject.original.context_shape
    context = None if shape is None else jax.ShapeDtypeStruct(shape, np.float32)
    program = jax.make_jaxpr(event_function(static, direction))(parameters, event, context)
    passes: Counter = Counter()
    return passes, _walk(program.jaxpr, 1, passes)


def _walk(jaxpr: Any, times: int, passes: Counter) -> int:
    """Count marks, each as often as the loops around it turn; return how many loops have no known length."""
    loops = 0
    for equation in jaxpr.eqns:
        name = str(equation.params.get("name", ""))
        if name.startswith(_MARK):
            passes[int(name.removeprefix(_MARK))] += times
        turns = times * int(equation.params["length"]) if equation.primitive.name == "scan" else times
        loops += equation.primitive.name == "while"
        if equation.primitive.name.startswith(PREFIX):
            # Its program is not among its parameters; see `numerics.batching`.
            whole = functools.partial(equation.primitive.impl, **equation.params)
            shapes = [jax.ShapeDtypeStruct(value.aval.shape, value.aval.dtype) for value in equation.invars]
            loops += _walk(jax.make_jaxpr(whole)(*shapes).jaxpr, turns, passes)
        for value in jax.tree.leaves(list(equation.params.values()), is_leaf=_is_jaxpr):
            if _is_jaxpr(value):
                loops += _walk(getattr(value, "jaxpr", value), turns, passes)
    return loops


def _is_jaxpr(value: Any) -> bool:
    return hasattr(value, "eqns") or hasattr(value, "jaxpr")
