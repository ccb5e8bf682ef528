"""A bijector under examination: its points, its parameters, and compiled functions that checks share."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray

from ..bijectors.base import Bijector
from ..bijectors.frozen import trainable
from ..errors import ConfigError
from . import points as _points
from .programs import DIRECTIONS, KINDS, Direction, compiled

ROWS = 24
"""Rows of every compiled batch of values."""
GRADIENT_ROWS = 4
"""Rows of every compiled batch of gradients."""

Interval = tuple[float, float]
Extremes = Sequence[float] | Mapping[Direction, Sequence[float]]
Structure = Literal["diagonal", "lower", "upper"] | np.ndarray


class Exact(NamedTuple):
    """A batch mapped in float64, with derivatives, in forward mode where JAX can.

    Attributes:
        out: outputs, shape (n, *shape).
        log_det: log-determinants, shape (n,).
        jacobian: d out / d event, shape (n, out_size, in_size).
        slope: d log_det / d event, shape (n, in_size).
    """

    out: np.ndarray
    log_det: np.ndarray
    jacobian: np.ndarray
    slope: np.ndarray


class Alone(NamedTuple):
    """A plain call on the first event, without any transformation.

    Attributes:
        out: the output.
        log_det: the log-determinant.
        changed: what the call changed of the global state.
    """

    out: np.ndarray
    log_det: np.ndarray
    changed: list[str]


@contextlib.contextmanager
def precision(dtype: Any) -> Iterator[None]:
    """Within the context, arrays made without a dtype have this one: float32 or float64."""
    with jax.enable_x64(np.dtype(dtype) == np.float64):
        yield


class Subject:
    """A bijector, the author's claims about it, and everything about it that is computed once.

    All parameters and points are representable in float32, so that float32 and float64 see the same numbers.
    Values leave and enter compiled functions through the host: inside one compiled function XLA may simplify
    `log(exp(x))` to `x`, and a map that overflows or rounds away would look invertible.

    Args:
        bijector: the object.
        key: for points and perturbation.
        points: events x to look at, shape (n, *in_shape); drawn if left out.
        context: contexts, shape (n, *context_shape) or one of shape context_shape; drawn if left out.
        extremes: numbers for the checks at the edges; see `points.extremes`.
        domain: the open interval that elements of x must lie in; None for all real numbers.
        codomain: the same for y.
        structure: the pattern of the Jacobian dy/dx; None for no claim.
        increasing: every element of y grows with the same element of x, and depends on no other.
        identity_at_init: the bijector as given is the identity.
        perturbation: standard deviation of the noise added to every trainable parameter before all checks but
            `identity_at_init`, so that an initialisation at the identity hides nothing.
        accuracy: the relative error of outputs and log-determinants that is not rounding.
        quick: compile a third less, see `check_bijector`.

    Raises:
        ConfigError: if the points do not fit the bijector.
    """

    def __init__(
        self,
        bijector: Bijector,
        key: PRNGKeyArray,
        *,
        points: ArrayLike | None = None,
        context: ArrayLike | None = None,
        extremes: Extremes | None = None,
        domain: Interval | None = None,
        codomain: Interval | None = None,
        structure: Structure | None = None,
        increasing: bool = False,
        identity_at_init: bool = False,
        perturbation: float = 0.2,
        accuracy: float = 0.0,
        quick: bool = False,
    ) -> None:
        self.quick = quick
        self.accuracy = accuracy
        self.original = bijector
        self.key = key
        self.intervals: dict[Direction, Interval | None] = {"forward": domain, "inverse": codomain}
        self.structure = structure
        self.increasing = increasing
        self.identity_at_init = identity_at_init
        self.shapes: dict[Direction, tuple[int, ...]] = {
            "forward": bijector.in_shape,
            "inverse": bijector.out_shape,
        }
        self.given_extremes = (
            extremes if isinstance(extremes, Mapping) else dict.fromkeys(DIRECTIONS, extremes)
        )
        random = np.random.default_rng(np.asarray(jax.random.key_data(key)).reshape(-1))
        with precision(np.float32):
            self.initial, self.static = split(bijector)
            self.parameters = perturbed(bijector, self.initial, random, perturbation)
            self.context = self._contexts(random, context)
            self._x = self._drawn(random, "forward") if points is None else self._fitted(points)
            # Given points may obey more than an interval (a simplex, say): only their images are known good.
            self._y = self._drawn(random, "inverse") if points is None else None
        self._compiled: dict[tuple[str, Direction], Callable] = {}
        self.alone: dict[Direction, Alone] = {}
        self.reverse_only: set[Direction] = set()

    @property
    def name(self) -> str:
        """The class and its shapes, for messages."""
        shapes = f"{self.original.in_shape} -> {self.original.out_shape}"
        return f"{type(self.original).__name__} {shapes}"

    def bijector(self, dtype: Any = np.float32, *, initial: bool = False) -> Bijector:
        """The examined bijector: perturbed parameters, in one dtype. Call within `precision(dtype)`."""
        return eqx.combine(jax.tree.map(jnp.asarray, self.cast(dtype, initial=initial)), self.static)

    def cast(self, dtype: Any, *, initial: bool = False) -> Any:
        """The parameters as NumPy arrays of one dtype."""
        return jax.tree.map(lambda leaf: leaf.astype(dtype), self.initial if initial else self.parameters)

    @functools.cached_property
    def x(self) -> np.ndarray:
        """Events on the base side, float32, shape (n, *in_shape)."""
        return self._x

    @functools.cached_property
    def y(self) -> np.ndarray:
        """Events on the data side, float32, shape (n, *out_shape): half images of x, half drawn."""
        images = self.values("forward", self._x, np.float64)[0].astype(np.float32)
        if self._y is None:
            return images
        half = len(images) // 2
        return np.concatenate([images[:half], self._y[: len(images) - half]])

    def events(self, direction: Direction) -> np.ndarray:
        """The events that a direction maps: x or y."""
        return self.x if direction == "forward" else self.y

    @functools.cached_property
    def _edges(self) -> dict[Direction, tuple[np.ndarray, list[str]]]:
        found = {}
        for direction in DIRECTIONS:
            given = self.given_extremes.get(direction)
            if given is None:
                given = _points.extremes(_points.bounds(self.original), self.intervals[direction])
            numbers = np.asarray(given, np.float32)
            found[direction] = _points.edge_events(numbers, self.events(direction)[0])
        return found

    def edges(self, direction: Direction) -> tuple[np.ndarray, list[str]]:
        """Events that hold an extreme number, and a description of each."""
        return self._edges[direction]

    def contexts(self, rows: int) -> np.ndarray | None:
        """As many contexts as rows, float32; repeated if there are fewer."""
        return None if self.context is None else _points.to_rows(self.context, rows)

    def values(
        self, direction: Direction, events: np.ndarray, dtype: Any, context: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Map a batch: outputs (n, *shape) and log-determinants (n,), as NumPy arrays."""
        if np.dtype(dtype) == np.float64:
            exact = self.exact(direction, events, context)
            return exact.out, exact.log_det
        out, log_det = self._batched("values", direction, events, dtype, context)
        return out, log_det

    def exact(
        self,
        direction: Direction,
        events: np.ndarray,
        context: np.ndarray | None = None,
        *,
        parameters: Any = None,
    ) -> Exact:
        """Map a batch in float64, at the examined parameters or at others, with derivatives."""
        parameters = self.cast(np.float64) if parameters is None else parameters
        arguments = (direction, events, np.float64, context, parameters)
        if direction not in self.reverse_only:
            try:
                return Exact(*self._batched("exact", *arguments))
            except TypeError:  # so JAX meets a custom_vjp in forward mode
                self.reverse_only.add(direction)
        return Exact(*self._batched("exact_in_reverse", *arguments))

    @functools.cached_property
    def at_points(self) -> dict[Direction, Exact]:
        """`exact` at the events of each direction."""
        return {direction: self.exact(direction, self.events(direction)) for direction in DIRECTIONS}

    def gradients(
        self, direction: Direction, events: np.ndarray, dtype: Any, context: np.ndarray | None
    ) -> dict[str, np.ndarray]:
        """Gradients of a fixed weighted sum of outputs and log-dets of a batch, by what they are taken for.

        Args:
            direction: forward or inverse.
            events: shape (GRADIENT_ROWS, *shape).
            dtype: float32 or float64.
            context: contexts of the same rows, or None.
        """
        function = self.compiled("gradients", direction)
        with precision(dtype):
            arguments = (self.cast(dtype), events.astype(dtype), _as(context, dtype))
            parameters, event, condition = jax.tree.map(np.asarray, function(*arguments))
        named = {f"parameter{jax.tree_util.keystr(path)}": leaf for path, leaf in _with_paths(parameters)}
        named["event"] = event
        if condition is not None:
            named["context"] = condition
        return named

    def compiled(self, kind: str, direction: Direction) -> Callable:
        """The compiled function of a kind, built at the first use; jax keeps one program per dtype."""
        if (kind, direction) not in self._compiled:
            function = KINDS[kind](self.static, direction)
            self._compiled[kind, direction] = compiled(function)
        return self._compiled[kind, direction]

    def _batched(
        self,
        kind: str,
        direction: Direction,
        events: np.ndarray,
        dtype: Any,
        context: np.ndarray | None = None,
        parameters: Any = None,
    ) -> tuple[np.ndarray, ...]:
        """Call a compiled batch function in blocks of ROWS rows; the last block is filled up."""
        function = self.compiled(kind, direction)
        parameters = self.cast(dtype) if parameters is None else parameters
        context = self.contexts(len(events)) if context is None else context
        blocks = []
        with precision(dtype):
            for start in range(0, len(events), ROWS):
                rows = events[start : start + ROWS]
                part = None if context is None else _points.to_rows(context[start : start + ROWS], ROWS)
                out = function(parameters, _points.to_rows(rows, ROWS).astype(dtype), _as(part, dtype))
                blocks.append([np.asarray(leaf)[: len(rows)] for leaf in out])
        return tuple(np.concatenate(parts) for parts in zip(*blocks, strict=True))

    def _contexts(self, random: np.random.Generator, given: ArrayLike | None) -> np.ndarray | None:
        shape = self.original.context_shape
        if shape is None:
            if given is not None:
                raise ConfigError(f"check_bijector: {self.name} takes no context, but one was given.")
            return None
        if given is None:
            return random.normal(size=(ROWS, *shape)).astype(np.float32)
        array = np.asarray(given, np.float32)
        return array[None] if array.shape == shape else array

    def _drawn(self, random: np.random.Generator, direction: Direction) -> np.ndarray:
        return _points.draw(random, ROWS, self.shapes[direction], self.intervals[direction])

    def _fitted(self, points: ArrayLike) -> np.ndarray:
        array = np.asarray(points, np.float32)
        if array.ndim == 0 or array.shape[1:] != self.original.in_shape or not len(array):
            raise ConfigError(
                f"check_bijector: expected points of shape (n, *{self.original.in_shape}) with n > 0, "
                f"got {array.shape}."
            )
        return array


def split(module: eqx.Module) -> tuple[Any, Any]:
    """Return the inexact leaves, as float32-representable NumPy arrays, and the rest of the tree."""
    parameters, static = eqx.partition(module, eqx.is_inexact_array)
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), parameters), static


def perturbed(module: eqx.Module, parameters: Any, random: np.random.Generator, size: float) -> Any:
    """Add noise to the leaves that are trained; what is `Frozen` may have to keep an order."""

    def move(trained: bool, leaf: Any) -> Any:
        return (leaf + size * random.normal(size=leaf.shape)).astype(np.float32) if trained else leaf

    return jax.tree.map(move, trainable(module), parameters)


def _with_paths(tree: Any) -> list[tuple[Any, Any]]:
    return jax.tree_util.tree_flatten_with_path(tree)[0]


def _as(array: np.ndarray | None, dtype: Any) -> np.ndarray | None:
    return None if array is None else array.astype(dtype)
