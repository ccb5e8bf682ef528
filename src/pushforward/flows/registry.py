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
        function: takes a key first, and keyword arguments that JSON can hold (numbers, strings, booleans,
            None, tuples and dictionaries of them); returns a Flow whose structure depends on nothing else.

    Returns:
        The function, which now also writes its name and arguments into the flow, so that `save` can store
        them.

    Raises:
        ConfigError: if another recipe has this name.
    """
    name = function.__name__

    @functools.wraps(function)
    def recipe(key: PRNGKeyArray | None = None, *superfluous: Any, **arguments: Any) -> Flow:
        if key is None or superfluous:
            raise ConfigError(
                f"{name}: expected a key first and all else by name, as {name}(key, features=2)."
            )
        complete = _completed(function, arguments)
        record = Recipe(name, _json(name, complete))
        return dataclasses.replace(function(key, **complete), recipe=record)

    if name in _RECIPES:
        raise ConfigError(f"register: a recipe named {name!r} is there already.")
    _RECIPES[name] = recipe
    return recipe


def recorded(name: str, **arguments: Any) -> Recipe:
    """Return what a flow built by `name` with these arguments remembers of it, without building the flow.

    Raises:
        ConfigError: if the name is unknown or an argument does not fit.
    """
    return Recipe(name, _json(name, _completed(get(name), arguments)))


def _completed(function: Callable[..., Flow], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of a call with the defaults filled in."""
    signature = inspect.signature(function)
    try:
        bound = signature.bind(None, **arguments)
    except TypeError as error:
        names = ", ".join(list(signature.parameters)[1:])
        raise ConfigError(f"{function.__name__}: {error}. It takes: {names}.") from error
    bound.apply_defaults()
    return dict(list(bound.arguments.items())[1:])


def _json(name: str, arguments: Mapping[str, Any]) -> str:
    try:
        return json.dumps(arguments, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name}: its arguments must be plain data that JSON can hold: {error}.") from error


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
