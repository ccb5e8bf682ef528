"""CodeFeatures: the codes of the columns that are given, as what a network should see of them."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ..embedding import Embedding
from ..rows import map_rows
from .encoder import Encoder


class CodeFeatures(Embedding):
    """Numbers by their normal scores, levels and classes by indicators, angles by their directions.

    Args:
        encoder: of the columns that are given.
    """

    encoder: Encoder

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    @property
    def in_shape(self) -> tuple[int, ...]:
        """Shape of the codes."""
        return (self.encoder.columns,)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of the features."""
        codes = jax.ShapeDtypeStruct(self.in_shape, jnp.result_type(float))
        return jax.eval_shape(self.encoder.features_of, codes).shape

    def __call__(self, context: Array) -> Array:
        """Return the features of ONE row of codes; a level that was never seen has no indicator."""
        return self.encoder.features_of(context)

    def of_rows(self, codes: ArrayLike) -> np.ndarray:
        """Return the features of rows of codes, shape (n, columns)."""
        return np.asarray(map_rows(self, (np.asarray(codes, jnp.result_type(float)),)))
