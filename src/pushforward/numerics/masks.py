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


_STEPS, _LEAST_ROWS = 4, 64  # measured on a CPU: more or smaller products gain nothing


def staircase(
    degrees: np.ndarray, below: np.ndarray, *, times: int = 1
) -> tuple[tuple[int, int], ...] | None:
    """Return the steps of a mask degrees >= below, both sorted: of equally many rows, with the columns that they use.

    Args:
        degrees: of the rows, in increasing order.
        below: of the columns, in increasing order; a row sees columns of at most its own degree.
        times: how often each row comes, in groups of their own.

    Returns:
        Rows and leading columns of up to 4 steps, for `products.staircase`; None where the matrix is so small that
        one product is as fast.
    """
    count = min(_STEPS, len(degrees), len(degrees) * times // _LEAST_ROWS, len(below) // _LEAST_ROWS)
    if count < 2:
        return None
    ends = [len(degrees) * (i + 1) // count for i in range(count)]
    used = [int(np.searchsorted(below, degrees[end - 1], side="right")) for end in ends]
    # A step of no columns would be an empty product: one column of zeros is as well.
    return tuple((end - start, max(n, 1)) for start, end, n in zip([0, *ends], ends, used, strict=False))
