"""Maps that bend the space along few directions: Planar, Radial and Sylvester."""

import typing

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError
from ..numerics import planar
from ..numerics.planar import Bend
from .base import Bijector, Cheap, check_features


class Planar(Bijector):
    """y = x + u^ h(w^T x + b): it stretches or squeezes the space across one plane. O(features) in both directions.

    Invertible for every w, u and b, as u^ is u held back where it would fold the space; see `numerics.planar.planar`.
    The inverse is exact: one equation in one unknown, in closed form for "leaky_relu", by Newton's steps for "tanh".
    It starts as the identity, with u = 0.

    Args:
        features: size of the event.
        bend: h: "tanh", or "leaky_relu" with slope 0.1 below zero.
        key: draws w, normal with standard deviation 1 / sqrt(features).

    Raises:
        ConfigError: if features is no whole number above 0, or the bend unknown.

    Reference: Rezende and Mohamed 2015, Variational Inference with Normalizing Flows, arXiv:1505.05770, eq. 10-12 and
        appendix A.1.
    """

    w: Array
    u: Array
    b: Array
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)
    bend: Bend = eqx.field(static=True)

    def __init__(self, features: int, *, bend: Bend = "tanh", key: PRNGKeyArray) -> None:
        check_features("Planar", features)
        self.w = jr.normal(key, (features,)) / features**0.5
        self.u, self.b = jnp.zeros(features), jnp.zeros(())
        self.in_shape, self.context_shape = (features,), None
        self.bend, self.cheap = bend, cheap_side("Planar", bend)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Bend; see `Bijector`."""
        del context, key
        return planar.planar(x, self.w, self.u, self.b, bend=self.bend)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Find w^T x + b, and bend back; see `Bijector`."""
        del context, key
        return planar.planar_inverse(y, self.w, self.u, self.b, bend=self.bend)


class Radial(Bijector):
    """y = x + beta (x - centre) / (alpha + |x - centre|): it pushes away from a point or pulls towards it.

    Invertible for all parameters, both directions in closed form, O(features). It starts as the identity.

    Args:
        features: size of the event.
        key: draws the centre from the standard normal.

    Raises:
        ConfigError: if features is no whole number above 0.

    Reference: Rezende and Mohamed 2015, arXiv:1505.05770, eq. 13-14 and appendix A.2.
    """

    centre: Array
    log_alpha: Array
    raw: Array
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(self, features: int, *, key: PRNGKeyArray) -> None:
        check_features("Radial", features)
        self.centre = jr.normal(key, (features,))
        self.log_alpha, self.raw = jnp.zeros(()), jnp.zeros(())
        self.in_shape, self.context_shape = (features,), None
        self.cheap = "both"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Push; see `Bijector`."""
        del context, key
        return planar.radial(x, self.centre, self.log_alpha, self.raw)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Solve the quadratic equation for the distance, and pull back; see `Bijector`."""
        del context, key
        return planar.radial_inverse(y, self.centre, self.log_alpha, self.raw)


class Sylvester(Bijector):
    """y = x + Q R h(R~ Q^T x + b): `width` planar maps at once, whose effects build on each other.

    Q has orthonormal columns, R and R~ are triangular. Invertible for all parameters, and the inverse is exact: `width`
    equations in one unknown each, in turn. It starts as the identity, with R = 0. The paper's flows are choices:
    orthogonal (width below features, as many reflections), Householder (width = features, any number of
    reflections), triangular (width = features, no reflections; put a `Reverse` between the layers).

    Args:
        features: size of the event.
        width: columns of Q, the paper's M; all features if left out.
        reflections: Householder reflections that make Q; as many as the width if left out.
        bend: h, see `Planar`.
        key: draws the vectors of the reflections.

    Raises:
        ConfigError: if features is no whole number above 0, the bend unknown, the width no whole number from 1 to
            features, or reflections no whole number of at least 0.

    Reference: van den Berg et al. 2018, Sylvester Normalizing Flows for Variational Inference, arXiv:1803.05649.
    """

    vectors: Array
    outer: Array
    inner: Array
    diagonals: Array
    b: Array
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)
    bend: Bend = eqx.field(static=True)

    def __init__(
        self,
        features: int,
        *,
        width: int | None = None,
        reflections: int | None = None,
        bend: Bend = "tanh",
        key: PRNGKeyArray,
    ) -> None:
        check_features("Sylvester", features)
        width = features if width is None else width
        if type(width) is not int or not 1 <= width <= features:
            raise ConfigError(f"Sylvester: expected a width from 1 to {features}, got {width!r}.")
        reflections = width if reflections is None else reflections
        if type(reflections) is not int or reflections < 0:
            raise ConfigError(f"Sylvester: expected reflections of at least 0, got {reflections!r}.")
        self.vectors = jr.normal(key, (reflections, features))
        self.outer, self.inner = jnp.zeros((width, width)), jnp.zeros((width, width))
        self.diagonals = jnp.stack([jnp.zeros(width), jnp.ones(width)])
        self.b = jnp.zeros(width)
        self.in_shape, self.context_shape = (features,), None
        self.bend, self.cheap = bend, cheap_side("Sylvester", bend)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Bend along all columns; see `Bijector`."""
        del context, key
        return planar.sylvester(x, *self._parameters(), bend=self.bend)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Find the bends in turn, the last first; see `Bijector`."""
        del context, key
        return planar.sylvester_inverse(y, *self._parameters(), bend=self.bend)

    def _parameters(self) -> tuple[Array, ...]:
        return self.vectors, self.outer, self.inner, self.diagonals, self.b


def cheap_side(who: str, bend: str) -> Cheap:
    """Return the cheap direction of a map with this bend, or raise a ConfigError if it is unknown."""
    if bend not in typing.get_args(Bend):
        raise ConfigError(f"{who}: expected bend tanh or leaky_relu, got {bend!r}.")
    return "forward" if bend == "tanh" else "both"
