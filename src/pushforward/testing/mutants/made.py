"""What the mutants are made of, and the registry that holds them."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from ...bijectors.base import Bijector, Cheap

Pair = tuple[Array, Array]
Map = Callable[..., Pair]


class Made(Bijector):
    """A bijector made of two plain functions of (parameters, event) or (parameters, event, context).

    Args:
        parameters: a dictionary of arrays.
        onward: the forward map, which returns y and its log-determinant.
        back: the inverse map, which returns x and its log-determinant.
        in_shape: shape of both events.
        context_shape: shape of the context; None for none.
        cheap: what the map declares.
        net: a conditioner, passed on to the functions as the parameter "net".
    """

    parameters: dict[str, Any]
    net: Callable | None
    onward: Map = eqx.field(static=True)
    back: Map = eqx.field(static=True)
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: tuple[int, ...] | None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(
        self,
        parameters: dict[str, Any],
        onward: Map,
        back: Map,
        in_shape: tuple[int, ...] = (3,),
        *,
        context_shape: tuple[int, ...] | None = None,
        cheap: Cheap = "both",
        net: Callable | None = None,
    ) -> None:
        self.parameters, self.net = parameters, net
        self.onward, self.back = onward, back
        self.in_shape, self.context_shape, self.cheap = in_shape, context_shape, cheap

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> Pair:
        """Call `onward`; see `Bijector`."""
        return self._call(self.onward, x, context)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> Pair:
        """Call `back`; see `Bijector`."""
        return self._call(self.back, y, context)

    def _call(self, function: Map, event: Array, context: Array | None) -> Pair:
        parameters = self.parameters if self.net is None else {**self.parameters, "net": self.net}
        return function(parameters, event) if context is None else function(parameters, event, context)


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A broken bijector.

    Attributes:
        build: makes it.
        caught_by: the name of the check that must fail.
        claims: arguments for `check_bijector`.
        what: what is wrong with it.
    """

    build: Callable[[], Bijector]
    caught_by: str
    claims: Mapping[str, Any]
    what: str


MUTANTS: dict[str, Mutant] = {}
"""The broken bijectors by name."""

RELATIVES: dict[str, tuple[Callable[[], Bijector], Mapping[str, Any]]] = {}
"""Correct relatives of the mutants by name, with arguments for `check_bijector`: all checks must pass."""


def mutant(caught_by: str, **claims: Any) -> Callable[[Callable[[], Bijector]], Callable[[], Bijector]]:
    """Enter the builder of a broken bijector into `MUTANTS`, under its own name and with its docstring."""

    def enter(build: Callable[[], Bijector]) -> Callable[[], Bijector]:
        MUTANTS[build.__name__] = Mutant(build, caught_by, claims, (build.__doc__ or "").strip())
        return build

    return enter


def relative(**claims: Any) -> Callable[[Callable[[], Bijector]], Callable[[], Bijector]]:
    """Enter the builder of a correct bijector into `RELATIVES`."""

    def enter(build: Callable[[], Bijector]) -> Callable[[], Bijector]:
        RELATIVES[build.__name__] = (build, claims)
        return build

    return enter


def parameters() -> dict[str, Array]:
    """Log-scales and shifts of an affine map of three elements."""
    return {"log_scale": jnp.array([0.3, -0.2, 0.1]), "shift": jnp.array([0.5, 0.0, -1.0])}


def onward(p: dict[str, Any], x: Array) -> Pair:
    """Y = exp(log_scale) * x + shift, with its log-determinant."""
    return x * jnp.exp(p["log_scale"]) + p["shift"], jnp.sum(p["log_scale"])


def back(p: dict[str, Any], y: Array) -> Pair:
    """The inverse of `onward`, with its log-determinant."""
    return (y - p["shift"]) * jnp.exp(-p["log_scale"]), -jnp.sum(p["log_scale"])


def made_affine(forward: Map = onward, inverse: Map = back, **fields: Any) -> Made:
    """The affine map, or what is left of it when one direction is replaced."""
    return Made(parameters(), forward, inverse, **fields)


def then(outer: Callable[[Array], Array], log_slope: Callable[[Array], Array], inner: Pair) -> Pair:
    """Apply an elementwise function, with log-slope given at its input, after a map."""
    u, log_det = inner
    return outer(u), log_det + jnp.sum(log_slope(u))


def before(
    outer: Callable[[Array], Array],
    log_slope: Callable[[Array], Array],
    y: Array,
    inner: Callable[[Array], Pair],
) -> Pair:
    """Undo `then`: `outer` is the inverse of its function, `inner` that of its map."""
    u = outer(y)
    x, log_det = inner(u)
    return x, log_det - jnp.sum(log_slope(u))
