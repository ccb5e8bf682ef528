"""Product: another law for every part of an event."""

import itertools
from collections.abc import Sequence

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError, ShapeError
from .base import Distribution
from .closed_form import ClosedForm


class Product(ClosedForm):
    """Independent laws side by side: their events joined, their log-densities added.

    `Product([StudentT(3.0), Uniform(0.0, 1.0), StandardNormal((4,))])` is a law over events of shape (6,).

    Args:
        laws: laws without context over numbers or vectors, in the order of the event's elements.

    Raises:
        ConfigError: if the list is empty or a law takes a context.
        ShapeError: if a law's events are of rank 2 or more.
    """

    laws: tuple[Distribution, ...]

    def __init__(self, laws: Sequence[Distribution]) -> None:
        self.laws = tuple(laws)
        if not self.laws:
            raise ConfigError("Product: expected at least one law, got an empty list.")
        for index, law in enumerate(self.laws):
            if law.context_shape is not None:
                raise ConfigError(
                    f"Product: expected laws without context, but laws[{index}] ({type(law).__name__}) takes "
                    f"one of shape {law.context_shape}."
                )
            if len(law.event_shape) > 1:
                raise ShapeError(
                    f"Product: expected laws over numbers or vectors, but laws[{index}] "
                    f"({type(law).__name__}) has events of shape {law.event_shape}."
                )

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event: (d,), d the number of elements of all laws."""
        return (self._ends()[-1],)

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        del context
        parts = jnp.split(x, self._ends()[:-1])
        terms = [
            law._log_prob(part.reshape(law.event_shape), None)
            for law, part in zip(self.laws, parts, strict=True)
        ]
        return sum(terms[1:], start=terms[0])

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        del context
        keys = jr.split(key, len(self.laws))
        draws = [law._sample_and_log_prob(k, None) for law, k in zip(self.laws, keys, strict=True)]
        terms = [term for _, term in draws]
        return _join([x for x, _ in draws]), sum(terms[1:], start=terms[0])

    def mean(self) -> Array:
        """The means of the laws, joined; a ConfigError if a law does not know its mean."""
        return _join([law.mean() for law in self._known("mean")])

    def variance(self) -> Array:
        """The variances of the laws, joined; a ConfigError if a law does not know its variance."""
        return _join([law.variance() for law in self._known("variance")])

    def _ends(self) -> list[int]:
        """Return where each law's elements end in the joined event."""
        return list(itertools.accumulate(law.event_shape[0] if law.event_shape else 1 for law in self.laws))

    def _known(self, what: str) -> list[ClosedForm]:
        known = [law for law in self.laws if isinstance(law, ClosedForm)]
        if len(known) < len(self.laws):
            index = next(i for i, law in enumerate(self.laws) if not isinstance(law, ClosedForm))
            raise ConfigError(
                f"Product.{what}: laws[{index}] ({type(self.laws[index]).__name__}) has no {what} in closed "
                "form. Estimate it from samples."
            )
        return known


def _join(parts: list[Array]) -> Array:
    return jnp.concatenate([part.reshape(-1) for part in parts])
