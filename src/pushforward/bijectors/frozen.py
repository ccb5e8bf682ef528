"""Frozen: the numbers of a flow that training leaves alone."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree


class Frozen(eqx.Module):
    """A constant: arrays that take part in every computation and are saved with the flow, but never trained.

    Masks are booleans and permutations integers, so they need no wrapper; a fixed float does, because every
    other inexact array of a flow is trained.

    Args:
        value: an array, or a PyTree of arrays; NumPy arrays become JAX arrays.
    """

    content: PyTree

    def __init__(self, value: PyTree) -> None:
        self.content = jax.tree.map(
            lambda leaf: jnp.asarray(leaf) if isinstance(leaf, np.ndarray | np.generic) else leaf, value
        )

    @property
    def value(self) -> Any:
        """The constant. Its gradient is zero, also for an optimiser that does not know this class."""
        return jax.tree.map(
            lambda leaf: jax.lax.stop_gradient(leaf) if eqx.is_inexact_array(leaf) else leaf, self.content
        )


def trainable(tree: PyTree) -> PyTree[bool]:
    """Return a filter for `equinox.partition`: True at every inexact array that is not inside a `Frozen`."""
    return jax.tree.map(
        lambda leaf: not isinstance(leaf, Frozen) and eqx.is_inexact_array(leaf),
        tree,
        is_leaf=lambda node: isinstance(node, Frozen),
    )
