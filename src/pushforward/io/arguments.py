"""The arguments of a recipe, checked before the recipe runs on them.

A recipe builds masks and loops over layers in plain Python, so it does work in proportion to its arguments
even where no weight is allocated. Therefore every number is bounded, and so is the size of the flow that they
describe: by what the file really holds, for a flow that was saved has its weights in the file.
"""

import inspect
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from ..flows import registry
from .refusal import Refused, show

MAX_INTEGER = 2**20
"""The largest whole number under a name that is not in the list of limits."""

_LIMITS = {
    "features": 10**6,
    "context_features": 10**6,
    "layers": 1024,
    "hidden": 2**16,
    "bins": 2**12,
    "components": 2**12,
    "values": 2**16,
    "ensemble": 2**12,
}
_MAX_TEXT = 256
_BYTES = 4
_SLACK = 8
_FREE = 2**16


def check_arguments(recipe: str, arguments: Mapping[str, Any], stored: int) -> None:
    """Raise `Refused` unless a recipe may be run with these arguments.

    Args:
        recipe: the name of the recipe.
        arguments: its keyword arguments, parsed from JSON.
        stored: how many bytes the arrays of the file take together.
    """
    if recipe not in registry.names():
        known = registry.names()
        raise Refused(
            'key "recipe"', f"one of the {len(known)} known recipes ({', '.join(known)})", show(recipe)
        )
    allowed = list(inspect.signature(registry.get(recipe)).parameters)[1:]
    for name, value in arguments.items():
        if name not in allowed:
            raise Refused('key "arguments"', f"the arguments of {recipe} ({', '.join(allowed)})", show(name))
        _check_value(f"argument {show(name)}", value, _LIMITS.get(name))
    size = _least_size(arguments)
    most = _SLACK * stored // _BYTES + _FREE
    if size > most:
        raise Refused(
            'key "arguments"',
            f"a flow of at most {most} numbers, as the arrays of the file take {stored} bytes",
            f"arguments for one of {size}",
        )


def _check_value(what: str, value: Any, limit: int | None) -> None:
    """Check a value and all that it holds; with a limit it must be a size or a list of sizes."""
    if isinstance(value, list):
        for item in value:
            _check_value(what, item, limit)
    elif limit is not None:
        if value is not None and (type(value) is not int or not 0 <= value <= limit):
            raise Refused(what, f"whole numbers from 0 to {limit}", show(value))
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_value(f"{what}, {show(name)}", item, _LIMITS.get(name))
    elif isinstance(value, str) and len(value) > _MAX_TEXT:
        raise Refused(what, f"text of at most {_MAX_TEXT} letters", f"{len(value)} letters")
    elif type(value) is int and abs(value) > MAX_INTEGER:
        raise Refused(what, f"whole numbers of at most {MAX_INTEGER}", show(value))


def _least_size(arguments: Mapping[str, Any]) -> int:
    """Estimate from below, by the names that all recipes share, how many numbers a flow holds."""
    sizes: dict[str, list[int]] = {name: [] for name in _LIMITS}
    _collect(arguments, sizes)
    inputs = sum(sizes["features"]) + sum(sizes["context_features"])
    net = inputs + sum(a * b for a, b in pairwise([inputs, *sizes["hidden"]]))
    return net * (sum(sizes["layers"]) if sizes["layers"] else 1)


def _collect(arguments: Mapping[str, Any], sizes: dict[str, list[int]]) -> None:
    """Gather the sizes of the known names, those of an inner recipe's options included."""
    for name, value in arguments.items():
        for item in _flat(value):
            if isinstance(item, dict):
                _collect(item, sizes)
            elif name in sizes and type(item) is int:
                sizes[name].append(item)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value
