"""Flow: a base law pushed forward through a bijector."""

from collections.abc import Iterator
from typing import NamedTuple

import equinox as eqx
import jax.random as jr
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..bijectors.base import Bijector, merge_context_shapes
from ..bijectors.compose import Chain, Stack
from ..errors import ShapeError
from .base import Distribution
from .keyed import Keyed


class Recipe(NamedTuple):
    """How a flow was built: the name of a registered recipe, and its keyword arguments as canonical JSON."""

    name: str
    arguments: str


class Flow(Keyed):
    """The law of x = f(z) with z drawn from a base law: log p(x) = log p(z) - log|det df/dz|.

    Args:
        base: the law of z.
        bijector: the map f, base to data.
        recipe: how the flow was built, so that `pushforward.save` can store it; the recipes fill it in.

    Raises:
        ShapeError: if the base's events do not fit the bijector, or the two expect different contexts.
    """

    base: Distribution
    bijector: Bijector
    recipe: Recipe | None = eqx.field(static=True)

    def __init__(self, base: Distribution, bijector: Bijector, recipe: Recipe | None = None) -> None:
        self.base = base
        self.bijector = bijector
        self.recipe = recipe
        if self.base.event_shape != self.bijector.in_shape:
            raise ShapeError(
                f"Flow: the base ({type(self.base).__name__}) gives events of shape {self.base.event_shape}, "
                f"the bijector ({type(self.bijector).__name__}) expects {self.bijector.in_shape}."
            )
        merge_context_shapes("Flow", [self.base.context_shape, self.bijector.context_shape])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of x."""
        return self.bijector.out_shape

    @property
    def context_shape(self) -> tuple[int, ...] | None:
        """Shape of the context, or None if neither the base nor the bijector takes one."""
        return merge_context_shapes("Flow", [self.base.context_shape, self.bijector.context_shape])

    def to_base(self, x: ArrayLike, context: ArrayLike | None = None) -> Array:
        """Return the base points z of events x, both of shape (*batch, *event_shape)."""
        return self._map_events("to_base", self._to_base, x, context)

    def to_data(self, z: ArrayLike, context: ArrayLike | None = None) -> Array:
        """Return the events x of base points z, both of shape (*batch, *event_shape)."""
        return self._map_events(
            "to_data", self._to_data, z, context, event_shape=self.bijector.in_shape, name="z"
        )

    def intermediates(self, z: ArrayLike, context: ArrayLike | None = None) -> list[Array]:
        """Return every stage from z to x: z itself, then the output of each layer in sampling order."""
        return self._map_events(
            "intermediates", self._intermediates, z, context, event_shape=self.bijector.in_shape, name="z"
        )

    def layers(self) -> list[Bijector]:
        """Return the elementary bijectors in sampling order, chains and stacks taken apart."""
        return list(_elementary(self.bijector))

    def _log_prob(self, x: Array, context: Array | None, key: PRNGKeyArray | None = None) -> Array:
        """Return the log-density of one event; with a key, what is random inside the maps (dropout) is on."""
        key, base_key = (None, None) if key is None else jr.split(key)
        z, log_det = self.bijector.inverse_and_log_det(x, self._of(self.bijector, context), key=key)
        condition = self._of(self.base, context)
        if isinstance(self.base, Keyed):
            return self.base._log_prob(z, condition, base_key) + log_det
        return self.base._log_prob(z, condition) + log_det

    def _for_step(self, key: PRNGKeyArray) -> "Flow":
        """Return the flow with its base as it is in one step of training; see `Keyed`."""
        if not isinstance(self.base, Keyed):
            return self
        return Flow(self.base._for_step(key), self.bijector, self.recipe)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        z, log_prob = self.base._sample_and_log_prob(key, self._of(self.base, context))
        x, log_det = self.bijector.forward_and_log_det(z, self._of(self.bijector, context))
        return x, log_prob - log_det

    def _sample(self, key: PRNGKeyArray, context: Array | None) -> Array:
        # A continuous flow does not pay for a log-determinant that nobody asks for.
        z = self.base._sample(key, self._of(self.base, context))
        return self.bijector.forward(z, self._of(self.bijector, context))

    def _to_base(self, x: Array, context: Array | None) -> Array:
        return self.bijector.inverse(x, self._of(self.bijector, context))

    def _to_data(self, z: Array, context: Array | None) -> Array:
        return self.bijector.forward(z, self._of(self.bijector, context))

    def _intermediates(self, z: Array, context: Array | None) -> list[Array]:
        stages = [z]
        for layer in self.layers():
            stages.append(layer.forward(stages[-1], self._of(layer, context)))
        return stages

    @staticmethod
    def _of(part: Distribution | Bijector, context: Array | None) -> Array | None:
        return None if part.context_shape is None else context


def _elementary(bijector: Bijector) -> Iterator[Bijector]:
    if isinstance(bijector, Chain):
        for part in bijector:
            yield from _elementary(part)
    elif isinstance(bijector, Stack):
        for index in range(bijector.depth):
            yield from _elementary(bijector.layer(index))
    else:
        yield bijector
