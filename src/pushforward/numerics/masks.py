"""Degrees of MADE: which unit may depend on which inputs."""

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
