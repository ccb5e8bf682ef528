"""What a flow makes of a context before its parts see it."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..bijectors.marginals import Marginals
from ..errors import ShapeError


class Embedding(eqx.Module):
    """A map of ONE context, as the user gives it, to the context that a flow's base and bijector take.

    A subclass is final. It gives the two shapes and `__call__`. Its trainable arrays are trained with the flow, so a
    summary network is an embedding, and so is a fixed change of units.

    Attributes:
        in_shape: shape of the user's context of one event.
        out_shape: shape of what the flow's parts take.
    """

    in_shape: eqx.AbstractVar[tuple[int, ...]]
    out_shape: eqx.AbstractVar[tuple[int, ...]]

    @abc.abstractmethod
    def __call__(self, context: Array) -> Array:
        """Return the embedding of one context, shape `out_shape`."""


class ContextScores(Embedding):
    """Each number of a context as its normal score: whatever its unit, spread and tails, it comes to the order of 1.

    Args:
        marginals: learned from the contexts of the training rows.
    """

    marginals: Marginals

    def __init__(self, marginals: Marginals) -> None:
        self.marginals = marginals

    @property
    def in_shape(self) -> tuple[int, ...]:
        """Shape of the context: one number for each marginal."""
        return self.marginals.out_shape

    @property
    def out_shape(self) -> tuple[int, ...]:
        """The same."""
        return self.marginals.in_shape

    def __call__(self, context: Array) -> Array:
        """Return the scores, shape `out_shape`; finite for every finite context."""
        return self.marginals.inverse(context)


def check_embedding(who: str, embedding: Embedding, expected: tuple[int, ...] | None) -> None:
    """Raise a ShapeError unless an embedding gives what the parts of a flow take."""
    if embedding.out_shape != expected:
        takes = "none" if expected is None else f"contexts of shape {expected}"
        raise ShapeError(
            f"{who}: the embedding ({type(embedding).__name__}) gives contexts of shape {embedding.out_shape}, the "
            f"base and the bijector take {takes}."
        )
    found = jax.eval_shape(embedding, jax.ShapeDtypeStruct(embedding.in_shape, jnp.result_type(float))).shape
    if found != embedding.out_shape:
        raise ShapeError(
            f"{who}: expected the embedding ({type(embedding).__name__}) to return shape {embedding.out_shape}, as it "
            f"says, got {found}."
        )
