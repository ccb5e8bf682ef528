"""FlowTransformer: rows sent to the base of a flow, where they are independent and normal."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from ..errors import ShapeError
from .base import FLOATS, FlowEstimator, in_chunks


class FlowTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, FlowEstimator):
    """An invertible map of rows to coordinates that are about independent and standard normal.

    Columns without a density of their own (constant, or equal to an earlier one) give no coordinate;
    `inverse_transform` puts them back.

    Args:
        flow, options, max_epochs, max_seconds, batch_size, validation, patience, random_state, verbose: see
            `FlowEstimator`.

    Attributes:
        flow_, columns_, history_, notes_, n_iter_, n_features_in_, feature_names_in_: as in `FlowDensity`.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = FlowEstimator._parameter_constraints

    def __sklearn_tags__(self) -> Any:
        """Return the tags: float32 stays float32, float64 is given back in float64."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def fit(self, X: Any, y: Any = None) -> "FlowTransformer":
        """Fit to rows, shape (n, columns); y is ignored."""
        self._fit_rows(X)
        return self

    @property
    def _n_features_out(self) -> int:
        return len(self.columns_.kept)

    def transform(self, X: Any) -> np.ndarray:
        """Return the base points of rows, shape (n, modelled columns), computed in the precision of the flow."""
        rows = self._checked(X)
        return in_chunks(self.flow_.to_base, self.columns_.reduce(rows)[0]).astype(rows.dtype)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Return the rows of base points X, shape (n, columns); values of rounded columns are rounded.

        Raises:
            ShapeError: if there is not one coordinate for each modelled column.
        """
        check_is_fitted(self)
        points: Any = check_array(X, dtype=FLOATS)
        if points.shape[1] != self._n_features_out:
            raise ShapeError(
                f"FlowTransformer.inverse_transform: expected base points of {self._n_features_out} coordinates, got "
                f"{points.shape[1]}."
            )
        return self.columns_.restore(in_chunks(self.flow_.to_data, points)).astype(points.dtype)
