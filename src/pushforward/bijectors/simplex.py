"""Maps onto the simplex, the set of compositions: positive numbers that sum to one."""

import equinox as eqx
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError
from ..numerics import simplex
from .base import Bijector, Cheap


class SoftmaxCentered(Bijector):
    """y = softmax(x_1, ..., x_(parts - 1), 0): from R^(parts - 1) to compositions of `parts` numbers.

    Zeros are sent to the centre. The log-determinant is that of the map to the first parts - 1 numbers, which fix the
    last one: densities of compositions are with respect to these. Towards the base only ratios count, so that numbers
    that do not sum to one are taken for their composition; where a number is not between 0 and 1, the log-determinant
    is -inf.

    Args:
        parts: how many numbers a composition has.

    Raises:
        ConfigError: if it is no whole number above 1.

    Reference: see `numerics.simplex.softmax_centered`.
    """

    in_shape: tuple[int, ...] = eqx.field(static=True)
    out_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(self, parts: int) -> None:
        self.in_shape, self.out_shape = _shapes("SoftmaxCentered", parts)
        self.context_shape = None
        self.cheap = "both"

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Take the softmax; see `Bijector`."""
        del context, key
        return simplex.softmax_centered(x)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Take the logarithms of ratios to the last number; see `Bijector`."""
        del context, key
        return simplex.softmax_centered_inverse(y)


class StickBreaking(Bijector):
    """y_k = sigmoid(x_k - log(parts - k)) of what y_1 ... y_(k - 1) left of one: from R^(parts - 1) to compositions.

    Zeros are sent to the centre. The Jacobian to the first parts - 1 numbers is triangular. Log-determinant and
    numbers off the simplex: as in `SoftmaxCentered`.

    Args:
        parts: how many numbers a composition has.

    Raises:
        ConfigError: if it is no whole number above 1.

    Reference: see `numerics.simplex.stick_breaking`.
    """

    in_shape: tuple[int, ...] = eqx.field(static=True)
    out_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(self, parts: int) -> None:
        self.in_shape, self.out_shape = _shapes("StickBreaking", parts)
        self.context_shape = None
        self.cheap = "both"

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Break the stick; see `Bijector`."""
        del context, key
        return simplex.stick_breaking(x)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Compare each number with those behind it; see `Bijector`."""
        del context, key
        return simplex.stick_breaking_inverse(y)


def _shapes(who: str, parts: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if type(parts) is not int or parts < 2:
        raise ConfigError(f"{who}: expected a whole number of parts above 1, got {parts!r}.")
    return (parts - 1,), (parts,)
