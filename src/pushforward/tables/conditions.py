"""The contexts of a table's rows, and their normal scores."""

from typing import NamedTuple

import numpy as np

from ..bijectors.marginals import Marginals
from ..data import preprocessing
from .preparation import Prepared, Split


class Conditions(NamedTuple):
    """Scores of the contexts, and how they came there; None where a table has no contexts.

    Attributes:
        marginals: one spline for each number of a context, learned from the training rows.
        knots: knots of each spline.
        training: scores of the training rows' contexts, shape (n, context_features).
        held_out: scores of the validation rows' contexts.
    """

    marginals: Marginals | None = None
    knots: int = 0
    training: np.ndarray | None = None
    held_out: np.ndarray | None = None

    @classmethod
    def learned(cls, split: Split) -> "Conditions":
        """Learn the scores of contexts from those of the training rows."""
        contexts = split.training_context
        if not contexts.shape[1]:
            return cls()
        knots = preprocessing.knots_for(len(contexts))
        marginals = preprocessing.marginals(contexts, knots)
        training, _ = preprocessing.to_scores([marginals], contexts)
        held_out, _ = preprocessing.to_scores([marginals], split.held_out_context)
        return cls(marginals, knots, training, held_out)

    @property
    def features(self) -> int:
        """How many numbers a context has."""
        return 0 if self.marginals is None else self.marginals.out_shape[0]

    def some(self, places: np.ndarray) -> np.ndarray | None:
        """Return the training contexts at these places."""
        return None if self.training is None else self.training[places]

    def validation(self, prepared: Prepared) -> np.ndarray | tuple[np.ndarray, np.ndarray | None]:
        """Return the validation rows as `fit` takes them."""
        return prepared.held_out if self.held_out is None else (prepared.held_out, self.held_out)
