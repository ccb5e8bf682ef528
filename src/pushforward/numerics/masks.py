"""Degrees and masks of MADE: which unit may depend on which inputs."""

import numpy as np


def hidden_degrees(units: int, features: int, *, lowest: int = 1) -> np.ndarray:
    """Return the degrees of a hidden layer, sorted: unit k may depend on the first degrees[k] inputs.

    The degrees from `lowest` to features - 1 come up equally often, to one.

    Args:
        units: size of the layer.
        features: number of inputs, in their order.
        lowest: 1; or 0 where a context gives units something to say that no input decides.

    Returns:
        Whole numbers in increasing order, shape (units,).

    Reference: Germain et al. 2015, MADE, arXiv:1502.03509, section 4 (there drawn at random).
    """
    lowest = min(lowest, features - 1)
    return lowest + np.arange(units) * (features - lowest) // units


def blocks(degrees: np.ndarray, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Group the units of a layer by degree, in groups of one size.

    Args:
        degrees: as `hidden_degrees` returns them, shape (units,).
        features: number of inputs.

    Returns:
        For each degree 0 to features - 1 the indices of its units, shape (features, size), and which of them count,
        booleans of the same shape: short groups are filled up with indices that do not.
    """
    size = max(int(np.bincount(degrees, minlength=features).max()), 1)
    starts = np.searchsorted(degrees, np.arange(features))
    indices = starts[:, None] + np.arange(size)
    inside = indices < len(degrees)
    indices = np.minimum(indices, len(degrees) - 1)
    return indices, inside & (degrees[indices] == np.arange(features)[:, None])
