"""Marginals: one fixed monotone map for every feature, learned from data beforehand."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..errors import ConfigError
from ..numerics import splines
from .base import Bijector, Cheap
from .frozen import Frozen


class Marginals(Bijector):
    """y_i = spline_i(x_i): a monotone spline through given knots for each feature.

    Towards the base the tails are logarithmic, towards the data exponential, so that heavy-tailed data have
    light-tailed base points. The knots are frozen: they are learned from the training rows, not by gradient.

    Args:
        bases: knots on the base side, increasing along the last axis, shape (features, knots).
        values: knots on the data side, increasing along the last axis, shape (features, knots).
        slopes: d base / d value at the knots, positive, shape (features, knots).

    Raises:
        ConfigError: if the shapes differ, there are fewer than two knots, the knots do not increase or a
            slope is not positive, as floats of the default type.

    Reference: the spline is `numerics.splines.through_knots`.
    """

    bases: Frozen
    values: Frozen
    slopes: Frozen
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(self, bases: ArrayLike, values: ArrayLike, slopes: ArrayLike) -> None:
        arrays = [jnp.asarray(array, dtype=float) for array in (bases, values, slopes)]
        shapes = {array.shape for array in arrays}
        if len(shapes) > 1 or arrays[0].ndim != 2 or arrays[0].shape[1] < 2:
            raise ConfigError(
                "Marginals: expected three arrays of one shape (features, knots) with at least 2 knots, got "
                f"{', '.join(str(array.shape) for array in arrays)}."
            )
        _check_knots(*arrays)
        self.bases, self.values, self.slopes = (Frozen(array) for array in arrays)
        self.in_shape = arrays[0].shape[:1]
        self.context_shape = None
        self.cheap = "both"

    @classmethod
    def identity(cls, features: int, knots: int) -> "Marginals":
        """Return the identity on [-1, 1], with logarithmic tails: a structure to be filled in."""
        line = jnp.broadcast_to(jnp.linspace(-1.0, 1.0, knots), (features, knots))
        return cls(line, line, jnp.ones_like(line))

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Map base scores to data values; see `Bijector`."""
        del context, key
        y, log_dydx = jax.vmap(splines.through_knots_inverse)(x, *self._knots())
        return y, jnp.sum(log_dydx)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Map data values to base scores; see `Bijector`."""
        del context, key
        x, log_dxdy = self.scores(y)
        return x, jnp.sum(log_dxdy)

    def scores(self, y: Array) -> tuple[Array, Array]:
        """Return the base scores of ONE event and their elementwise log_dxdy, both of shape (features,)."""
        return jax.vmap(splines.through_knots)(y, *self._knots())

    def _knots(self) -> tuple[Array, Array, Array]:
        return self.values.value, self.bases.value, self.slopes.value


def _check_knots(bases: Array, values: Array, slopes: Array) -> None:
    """Raise unless knots increase and slopes are positive; under tracing there are no numbers to look at."""
    if any(isinstance(array, Tracer) for array in (bases, values, slopes)):
        return
    for what, numbers in (
        ("increasing bases", np.diff(bases)),
        ("increasing values", np.diff(values)),
        ("positive slopes", np.asarray(slopes)),
    ):
        bad = np.flatnonzero(~(numbers > 0).all(axis=1))
        if bad.size:
            raise ConfigError(
                f"Marginals: expected {what}, those of feature {bad[0]} are not, in {bases.dtype}."
            )
