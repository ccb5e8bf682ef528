"""What several recipes share: argument checks, alternating layers, the one-dimensional stand-in."""

import warnings
from collections.abc import Callable
from typing import Any

import jax.random as jr
import numpy as np
from jaxtyping import PRNGKeyArray

from ..bijectors import Bijector, Chain, Coupling, ScalarMap, Stack
from ..errors import ConfigError
from ..nets import MLP


def check_sizes(who: str, *, least: int = 1, **sizes: int | tuple[int, ...]) -> None:
    """Raise a ConfigError that names the argument unless every size is a whole number of at least `least`."""
    for name, value in sizes.items():
        values = value if isinstance(value, (tuple, list)) else (value,)
        if any(isinstance(item, bool) or not isinstance(item, int) or item < least for item in values):
            raise ConfigError(
                f"{who}: expected {name} to hold whole numbers of at least {least}, got {value!r}."
            )


def context_shape(context_features: int) -> tuple[int, ...] | None:
    """The context shape that `context_features` stands for."""
    return (context_features,) if context_features else None


def repeated(make: Callable[[PRNGKeyArray], Bijector], key: PRNGKeyArray, layers: int) -> Bijector:
    """Return `layers` layers of one structure as a Stack."""
    return Stack([make(k) for k in jr.split(key, layers)])


def alternated(make: Callable[[PRNGKeyArray, bool], Bijector], key: PRNGKeyArray, layers: int) -> Bijector:
    """Return layers whose `swap` argument alternates, False first, as a Stack of pairs and a rest."""
    keys = jr.split(key, layers)
    pairs = [Chain([make(keys[i], False), make(keys[i + 1], True)]) for i in range(0, layers - 1, 2)]
    parts: list[Bijector] = [Stack(pairs)] if pairs else []
    if layers % 2:
        parts.append(make(keys[-1], False))
    return parts[0] if len(parts) == 1 else Chain(parts)


def coupling(
    key: PRNGKeyArray,
    map: ScalarMap,
    mask: np.ndarray,
    context_features: int,
    **net: Any,  # noqa: A002
) -> Coupling:
    """Return a coupling whose conditioner is an MLP of fitting sizes.

    Args:
        key: for the initial weights.
        map: the scalar map.
        mask: True where an element passes unchanged.
        context_features: size of the context; 0 for none.
        **net: hidden, activation and dropout of the `MLP`.
    """
    known = int(np.sum(mask))
    size = (mask.size - known) * map.num_params
    return Coupling(
        map,
        MLP(key, known, size, context_features=context_features, **net),
        mask,
        context_shape(context_features),
    )


def say_one_dimensional(who: str, instead: str) -> None:
    """Warn that a coupling needs two features, and say what is built for one."""
    warnings.warn(f"{who}: a coupling needs two features; for one, {instead} is built.", stacklevel=4)
