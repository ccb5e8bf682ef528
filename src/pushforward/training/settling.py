"""What a flow stores of the training rows besides its parameters: the statistics of its BatchNorm layers."""

import equinox as eqx
import numpy as np
from jaxtyping import PyTree

from ..bijectors.norm import BatchNorm, statistics
from ..bijectors.settling import Passing, holds
from ..distributions.base import Distribution
from ..distributions.settling import follow, in_chunks
from .layout import Layout
from .rows import Rows

_KINDS = (BatchNorm,)

ROWS = 2**15
"""The most rows whose statistics are stored; of more, as many evenly spaced ones.

With so many, a mean is within a two-hundredth of a deviation of that of all rows, where a batch of 256 is within a
sixteenth; and in long epochs, at 500 steps of 256 rows between checks, settling costs less than a tenth of the time."""


class Settler:
    """Finds the statistics that belong to parameters: those of the training rows, as the layers with them see them.

    They are a function of the parameters and the rows, so that a run need not carry them from step to step, and an
    average of parameters gets statistics of its own and not an average of statistics. For a flow without `BatchNorm`
    nothing happens.

    Args:
        fixed: the flow without its trainable arrays.
        training: the training rows.
        layout: the devices, each of which finds all the statistics; None for one.
    """

    def __init__(self, fixed: Distribution, training: Rows, layout: Layout | None = None) -> None:
        self._fixed = fixed
        self._rows: Passing | None = None
        if holds(fixed, _KINDS):
            count = len(training)
            places = np.arange(min(count, ROWS)) * count // min(count, ROWS)
            context = None if training.context is None else training.context[places]
            rows = in_chunks(training.x[places], context)
            self._rows = rows if layout is None else layout.replicated(rows)

    def __call__(self, params: PyTree) -> PyTree:
        """Return the parameters with their statistics: all that a flow needs besides the fixed part."""
        return (
            params if self._rows is None else eqx.combine(params, _settled(params, self._fixed, self._rows))
        )


def needed(law: Distribution) -> int:
    """Return how many training rows a law stores the statistics of, at most: 0 without a `BatchNorm`."""
    return ROWS if holds(law, _KINDS) else 0


def as_given(params: PyTree, fixed: Distribution) -> PyTree:
    """Return the parameters with the statistics that the flow came with."""
    return eqx.combine(params, eqx.filter(fixed, statistics(fixed)))


@eqx.filter_jit
def _settled(params: PyTree, fixed: Distribution, rows: Passing) -> PyTree:
    flow = follow(eqx.combine(params, fixed), rows, _KINDS)
    return eqx.filter(flow, statistics(flow))
