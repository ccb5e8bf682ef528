"""Scalar maps made of mixtures of sigmoids: MixtureOfLogistics and DeepSigmoid."""

from typing import ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ...numerics.elementary import soft_bound
from ...numerics.sigmoid_mixtures import guess_of_inverse, logit_of_mixture
from ...numerics.tails import linear_tails, linear_tails_inverse
from .base import ScalarMap, check_count

_BOUND = 1e4  # beyond it the maps are straight lines, long after they are so to rounding
_LOG_SLOPE = 5.0
_OFFSET = 1e3


class MixtureOfLogistics(ScalarMap):
    """y = exp(a) * logit(sum_k w_k sigmoid((x - m_k) / s_k)) + b: the logit of a mixture's distribution function.

    It bends at every component and is a straight line far out. At parameters zero it is nearly the identity, within
    0.2: all scales are 1 and the means spread evenly over (-1, 1), since components that start alike stay alike.

    Means stay within +-1000, the logarithms of scales within +-5, and so does a. Beyond 1e4 the map is its tangent.

    Args:
        components: how many logistic laws are mixed.

    Raises:
        ConfigError: if components is no whole number from 1 to 256.

    The inverse is a search; see `numerics.roots.increasing_root`.

    Reference: Ho et al. 2019, Flow++, arXiv:1902.00275, section 3.2.
    """

    elementwise: ClassVar[bool] = True
    cheap: ClassVar[Literal["both", "forward"]] = "forward"

    components: int = eqx.field(static=True, default=8)

    def __check_init__(self) -> None:
        check_count("MixtureOfLogistics", "components", self.components, 1, 256)

    @property
    def num_params(self) -> int:
        """3 * components + 2: logits of weights, means and log-scales, then a and b."""
        return 3 * self.components + 2

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Apply the mixture's logit, then scale and shift; see `ScalarMap`."""
        *_, log_scale, shift = params
        log_scale = soft_bound(log_scale, _LOG_SLOPE)
        y, log_dydx = linear_tails(self._logit, params, x, _BOUND)
        return y * jnp.exp(log_scale) + shift, log_dydx + log_scale

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Undo shift and scale, then search; see `ScalarMap`."""
        *_, log_scale, shift = params
        log_scale = soft_bound(log_scale, _LOG_SLOPE)
        y = (y - shift) * jnp.exp(-log_scale)
        start = jax.lax.stop_gradient(guess_of_inverse(y, *self._parts(params)))
        x, log_dxdy = linear_tails_inverse(self._logit, params, y, _BOUND, start)
        return x, log_dxdy - log_scale

    def _logit(self, params: Array, x: Array) -> tuple[Array, Array]:
        return logit_of_mixture(x, *self._parts(params))

    def _parts(self, params: Array) -> tuple[Array, Array, Array]:
        logits, means, log_scales, _ = jax.lax.split(params, [*[self.components] * 3, 2])
        log_slopes = -soft_bound(log_scales, _LOG_SLOPE)
        means = soft_bound(means, _OFFSET) + _spread(self.components, params)
        return logits, log_slopes, -means * jnp.exp(log_slopes)


class DeepSigmoid(ScalarMap):
    """Layers of y = logit(sum_k w_k sigmoid(a_k x + b_k)): the deep sigmoidal flow of NAF.

    At parameters zero each layer is nearly the identity, within 0.2: all slopes are 1 and the b_k spread evenly over
    (-1, 1), since units that start alike stay alike.

    The logarithms of slopes stay within +-5, where the paper's slopes are softplus(.), and the b_k within +-1000.
    Beyond 1e4 the map is its tangent.

    Args:
        units: sigmoids of each layer.
        layers: how many layers follow each other.

    Raises:
        ConfigError: if units is no whole number from 1 to 256, or layers from 1 to 6.

    The inverse is one search through all layers; see `numerics.roots.increasing_root`.

    Reference: Huang et al. 2018, Neural Autoregressive Flows, arXiv:1804.00779, eq. 8 and section 3.1.
    """

    elementwise: ClassVar[bool] = True
    cheap: ClassVar[Literal["both", "forward"]] = "forward"

    units: int = eqx.field(static=True, default=8)
    layers: int = eqx.field(static=True, default=2)

    def __check_init__(self) -> None:
        check_count("DeepSigmoid", "units", self.units, 1, 256)
        check_count("DeepSigmoid", "layers", self.layers, 1, 6)

    @property
    def num_params(self) -> int:
        """3 * units * layers: for each layer logits of weights, log-slopes and offsets."""
        return 3 * self.units * self.layers

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Apply all layers; see `ScalarMap`."""
        return linear_tails(self._through, params, x, _BOUND)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Search for x; see `ScalarMap`."""
        start = jax.lax.stop_gradient(y)
        for layer in reversed(self._layers(jax.lax.stop_gradient(params))):
            start = guess_of_inverse(start, *layer)
        return linear_tails_inverse(self._through, params, y, _BOUND, start)

    def _through(self, params: Array, x: Array) -> tuple[Array, Array]:
        total = jnp.zeros((), x.dtype)
        for layer in self._layers(params):
            x, log_dydx = logit_of_mixture(x, *layer)
            total = total + log_dydx
        return x, total

    def _layers(self, params: Array) -> list[tuple[Array, Array, Array]]:
        parts = jax.lax.split(params, [self.units] * (3 * self.layers))
        spread = _spread(self.units, params)
        return [
            (logits, soft_bound(log_slopes, _LOG_SLOPE), soft_bound(offsets, _OFFSET) + spread)
            for logits, log_slopes, offsets in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
        ]


def _spread(count: int, like: Array) -> Array:
    """Return numbers evenly spread over (-1, 1), one for each component, to be added to arrays of `like`'s rank."""
    places = (2 * jnp.arange(count, dtype=like.dtype) + 1 - count) / count
    return places.reshape((count,) + (1,) * (like.ndim - 1))
