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
from .bound import public
from .door import map_events
from .embedding import Embedding, check_embedding
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
        embedding: what becomes of a context before the base and the bijector see it; without one they see it as it is.

    Raises:
        ShapeError: if the base's events do not fit the bijector, the two expect different contexts, or the embedding
            gives other ones.
    """

    base: Distribution
    bijector: Bijector
    recipe: Recipe | None = eqx.field(static=True)
    embedding: Embedding | None

    def __init__(
        self,
        base: Distribution,
        bijector: Bijector,
        recipe: Recipe | None = None,
        embedding: Embedding | None = None,
    ) -> None:
        self.base = base
        self.bijector = bijector
        self.recipe = recipe
        self.embedding = embedding
        if self.base.event_shape != self.bijector.in_shape:
            raise ShapeError(
                f"Flow: the base ({type(self.base).__name__}) gives events of shape {self.base.event_shape}, "
                f"the bijector ({type(self.bijector).__name__}) expects {self.bijector.in_shape}."
            )
        taken = merge_context_shapes("Flow", [self.base.context_shape, self.bijector.context_shape])
        if embedding is not None:
            check_embedding("Flow", embedding, taken)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of x."""
        return self.bijector.out_shape

    @property
    def context_shape(self) -> tuple[int, ...] | None:
        """Shape of the context, or None if neither the base nor the bijector takes one."""
        if self.embedding is not None:
            return self.embedding.in_shape
        return merge_context_shapes("Flow", [self.base.context_shape, self.bijector.context_shape])

    @public
    def to_base(self, x: ArrayLike, context: ArrayLike | None = None) -> Array:
        """Return the base points z of events x, both of shape (*batch, *event_shape)."""
        return map_events(self, "to_base", x, context)

    @public
    def to_data(self, z: ArrayLike, context: ArrayLike | None = None) -> Array:
        """Return the events x of base points z, both of shape (*batch, *event_shape)."""
        return map_events(self, "to_data", z, context, event_shape=self.bijector.in_shape, name="z")

    @public
    def intermediates(self, z: ArrayLike, context: ArrayLike | None = None) -> list[Array]:
        """Return every stage from z to x: z itself, then the output of each layer in sampling order."""
        return map_events(
            self,
            "intermediates",
            z,
            context,
            event_shape=self.bijector.in_shape,
            name="z",
        )

    def layers(self) -> list[Bijector]:
        """Return the elementary bijectors in sampling order, chains and stacks taken apart."""
        return list(_elementary(self.bijector))

    def _log_prob(self, x: Array, context: Array | None, key: PRNGKeyArray | None = None) -> Array:
        """Return the log-density of one event; with a key, what is random inside the maps (dropout) is on."""
        key, base_key = (None, None) if key is None else jr.split(key)
        context = self.embed(context)
        z, log_det = self.bijector.inverse_and_log_det(x, self._of(self.bijector, context), key=key)
        condition = self._of(self.base, context)
        if isinstance(self.base, Keyed):
            return self.base._log_prob(z, condition, base_key) + log_det
        return self.base._log_prob(z, condition) + log_det

    def _for_step(self, key: PRNGKeyArray) -> "Flow":
        """Return the flow with its base as it is in one step of training; see `Keyed`."""
        if not isinstance(self.base, Keyed):
            return self
        return Flow(self.base._for_step(key), self.bijector, self.recipe, self.embedding)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        context = self.embed(context)
        z, log_prob = self.base._sample_and_log_prob(key, self._of(self.base, context))
        x, log_det = self.bijector.forward_and_log_det(z, self._of(self.bijector, context))
        return x, log_prob - log_det

    def _sample(self, key: PRNGKeyArray, context: Array | None) -> Array:
        # A continuous flow does not pay for a log-determinant that nobody asks for.
        context = self.embed(context)
        z = self.base._sample(key, self._of(self.base, context))
        return self.bijector.forward(z, self._of(self.bijector, context))

    def _to_base(self, x: Array, context: Array | None) -> Array:
        return self.bijector.inverse(x, self._of(self.bijector, self.embed(context)))

    def _to_data(self, z: Array, context: Array | None) -> Array:
        return self.bijector.forward(z, self._of(self.bijector, self.embed(context)))

    def _intermediates(self, z: Array, context: Array | None) -> list[Array]:
        stages, context = [z], self.embed(context)
        for layer in self.layers():
            stages.append(layer.forward(stages[-1], self._of(layer, context)))
        return stages

    def embed(self, context: Array | None) -> Array | None:
        """Return what the base and the bijector see of ONE context."""
        return context if self.embedding is None or context is None else self.embedding(context)

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
