"""The recipes by name: what `pushforward fit --flow` offers, and what a model file may ask for."""

import dataclasses
import functools
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

import jax.random as jr
from jaxtyping import PRNGKeyArray

from ..distributions.flow import Flow, Recipe
from ..errors import ConfigError

_RECIPES: dict[str, Callable[..., Flow]] = {}


def register(function: Callable[..., Flow]) -> Callable[..., Flow]:
    """Make a function a recipe: known by its name, and remembered by the flows that it builds.

    Args:
        function: takes a key first, and keyword arguments that JSON can hold (numbers, strings, booleans, None,
            tuples and dictionaries of them); returns a Flow whose structure depends on nothing else.

    Returns:
        The function, which now also writes its name and arguments into the flow, so that `save` can store them.

    Raises:
        ConfigError: if another recipe has this name.
    """
    name = function.__name__
    signature = inspect.signature(function)

    @functools.wraps(function)
    def recipe(key: PRNGKeyArray, **arguments: Any) -> Flow:
        try:
            bound = signature.bind(key, **arguments)
        except TypeError as error:
            raise ConfigError(
                f"{name}: {error}. It takes: {', '.join(list(signature.parameters)[1:])}."
            ) from error
        bound.apply_defaults()
        complete = {argument: value for argument, value in list(bound.arguments.items())[1:]}
        try:
            text = json.dumps(complete, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{name}: its arguments must be plain data that JSON can hold: {error}.") from error
        return dataclasses.replace(function(key, **complete), recipe=Recipe(name, text))

    if name in _RECIPES:
        raise ConfigError(f"register: a recipe named {name!r} is there already.")
    _RECIPES[name] = recipe
    return recipe


def names() -> tuple[str, ...]:
    """The names of all recipes, sorted."""
    return tuple(sorted(_RECIPES))


def get(name: str) -> Callable[..., Flow]:
    """Return a recipe by its name, or raise a ConfigError that lists the names."""
    if name not in _RECIPES:
        raise ConfigError(f"Unknown flow {name!r}. Known: {', '.join(names())}.")
    return _RECIPES[name]


def build(name: str, arguments: Mapping[str, Any], key: PRNGKeyArray | None = None) -> Flow:
    """Build a flow by the name of its recipe and plain-data arguments, in which lists stand for tuples.

    Args:
        name: a registered recipe.
        arguments: the recipe's keyword arguments, as JSON gives them.
        key: for the initial parameters; a fixed one if left out.

    Raises:
        ConfigError: if the name is unknown or an argument does not fit.
    """
    key = jr.key(0) if key is None else key
    return get(name)(key, **{argument: _tuples(value) for argument, value in arguments.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
