"""Scalar maps made of polynomials: Bernstein and SumOfSquares."""

import math
from typing import ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...numerics.elementary import soft_bound
from ...numerics.polynomials import MIN_SLOPE, bernstein, sum_of_squares
from ...numerics.tails import linear_tails, linear_tails_inverse
from .base import ScalarMap, check_bound, check_count

_LARGEST = 100.0  # of a coefficient: beyond, its square soon leaves float32
_START = 0.1  # of the coefficients that make the squares differ


class Bernstein(ScalarMap):
    """Bernstein polynomial with increasing coefficients on [-bound, bound], its tangents outside.

    Args:
        degree: of the polynomial.
        bound: half width of the interval.

    Raises:
        ConfigError: if degree is no whole number from 1 to 100 or the bound no positive number.

    The inverse is a search; see `numerics.roots.increasing_root`.

    Reference: Sick et al. 2021, arXiv:2004.00464, section 3.2; Ramasinghe et al. 2022, arXiv:2102.03509, section 3.
    """

    elementwise: ClassVar[bool] = True
    cheap: ClassVar[Literal["both", "forward"]] = "forward"

    degree: int = eqx.field(static=True, default=16)
    bound: float = eqx.field(static=True, default=5.0)

    def __check_init__(self) -> None:
        check_count("Bernstein", "degree", self.degree, 1, 100)
        check_bound("Bernstein", self.bound)

    @property
    def num_params(self) -> int:
        """Degree + 1: the shift, and the increments of the coefficients."""
        return self.degree + 1

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Apply the polynomial; see `ScalarMap` and `numerics.polynomials.bernstein`."""
        return linear_tails(self._inside, params, x, self.bound)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Search for x; see `ScalarMap`."""
        start = jax.lax.stop_gradient(y - params[0])
        return linear_tails_inverse(self._inside, params, y, self.bound, start)

    def _inside(self, params: Array, x: Array) -> tuple[Array, Array]:
        shift, increments = jax.lax.split(params, [1, self.degree])
        return bernstein(x, shift[0], increments, bound=self.bound)


class SumOfSquares(ScalarMap):
    """y = shift + the integral from 0 to x of a sum of squared polynomials on [-bound, bound], tangents outside.

    A small number is added to the squares, so that the map increases strictly. At parameters zero it is nearly the
    identity, its slope off by at most 1 % a further term: the first polynomial is then a constant, and the others are
    small powers that differ, since equal squares stay equal, and a square of zero has no gradient. Coefficients stay
    within +-100.

    Args:
        degree: of each polynomial; the map's is 2 * degree + 1.
        terms: how many squares are added; two are enough for every positive polynomial.
        bound: half width of the interval, and the unit in which x enters the powers.

    Raises:
        ConfigError: if degree is no whole number from 1 to 20, terms from 1 to 20, or the bound no positive number.

    The inverse is a search; see `numerics.roots.increasing_root`.

    Reference: Jaini et al. 2019, Sum-of-Squares Polynomial Flow, arXiv:1905.02325, section 4.
    """

    elementwise: ClassVar[bool] = True
    cheap: ClassVar[Literal["both", "forward"]] = "forward"

    degree: int = eqx.field(static=True, default=4)
    terms: int = eqx.field(static=True, default=3)
    bound: float = eqx.field(static=True, default=5.0)

    def __check_init__(self) -> None:
        check_count("SumOfSquares", "degree", self.degree, 1, 20)
        check_count("SumOfSquares", "terms", self.terms, 1, 20)
        check_bound("SumOfSquares", self.bound)

    @property
    def num_params(self) -> int:
        """Terms * (degree + 1) + 1: the coefficients and the shift."""
        return self.terms * (self.degree + 1) + 1

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Integrate from 0 to x; see `ScalarMap` and `numerics.polynomials.sum_of_squares`."""
        return linear_tails(self._inside, params, x, self.bound)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Search for x; see `ScalarMap`."""
        start = jax.lax.stop_gradient(y - params[-1])
        return linear_tails_inverse(self._inside, params, y, self.bound, start)

    def _inside(self, params: Array, x: Array) -> tuple[Array, Array]:
        raw, shift = jax.lax.split(params, [self.num_params - 1, 1])
        start = np.zeros((self.terms, self.degree + 1))
        start[0, 0] = math.sqrt(1 - MIN_SLOPE)
        for term in range(1, self.terms):
            start[term, 1 + (term - 1) % self.degree] = _START / (1 + (term - 1) // self.degree)
        raw = soft_bound(raw, _LARGEST).reshape(*start.shape, *raw.shape[1:])
        start = jnp.asarray(start, raw.dtype).reshape(*start.shape, *[1] * (raw.ndim - 2))
        return sum_of_squares(x, shift[0], raw + start, bound=self.bound)
