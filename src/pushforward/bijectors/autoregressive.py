"""Autoregressive layers: every element is mapped by parameters that the elements before it decide."""

from collections.abc import Callable
from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from .base import Bijector, Cheap
from .elementwise import map_elements
from .scalar.base import ScalarMap


class SequentialNet(Protocol):
    """A conditioner with two faces: all elements at once, and one after the other."""

    features: int
    num_params: int

    def __call__(self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return the parameters of all elements, shape (features, num_params)."""
        ...

    def start(self, context: Array | None = None) -> Any:
        """Return the state before any element is known."""
        ...

    def step(self, state: Any, index: Array | int, before: Array) -> tuple[Any, Array]:
        """Return the next state, and the parameters of element `index`, given the element before it."""
        ...


class Autoregressive(Bijector):
    """y_i = map(x_i; net(x_1 ... x_(i-1), context)). Jacobian lower triangular.

    Forward is one pass of the net. The inverse finds one element after the other, with the net's second face,
    so it costs the arithmetic of about one pass as well, in `features` short steps. As it is, the layer is an
    inverse autoregressive flow (fast sampling); in an `Invert` it is a masked autoregressive flow (fast
    density).

    Args:
        map: the scalar map.
        net: the conditioner, such as `MADE`.
        context_shape: shape of the context that the net takes, or None.

    Reference: Kingma et al. 2016, IAF, arXiv:1606.04934, section 3; Papamakarios et al. 2017, MAF,
        arXiv:1705.07057, eq. 3-5.
    """

    map: ScalarMap
    net: SequentialNet
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: tuple[int, ...] | None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(
        self,
        map: ScalarMap,
        net: SequentialNet,
        context_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.map = map
        self.net = net
        self.in_shape = (net.features,)
        self.context_shape = context_shape
        self.cheap = "forward"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Map all elements in one pass; see `Bijector`."""
        return map_elements(self.map.forward, self.net(x, context, key=key), x)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Find x_1, x_2, ... in turn. A key has no meaning here: the steps know no dropout. See `Bijector`."""
        del key
        inverse: Callable = self.map.inverse

        def step(carry: tuple[Any, Array], turn: tuple[Array, Array]) -> tuple[tuple[Any, Array], tuple]:
            state, before = carry
            index, value = turn
            state, params = self.net.step(state, index, before)
            x, log_dxdy = inverse(params, value)
            return (state, x), (x, log_dxdy)

        start = (self.net.start(context), jnp.zeros_like(y[0]))
        _, (x, log_derivatives) = jax.lax.scan(step, start, (jnp.arange(y.shape[0]), y))
        return x, jnp.sum(log_derivatives)
