"""Orthogonal maps, and linear maps made of an orthogonal and a triangular matrix: Orthogonal and QR."""

import typing

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError
from ..numerics import linalg
from ..numerics.linalg import OrthogonalMethod
from ..numerics.products import matmul
from .base import check_features
from .linear import Linear, small


class Orthogonal(Linear):
    """y = Q x + shift with Q orthogonal by construction; log|det| = 0, and the inverse multiplies by Q^T.

    Args:
        features: size of the event.
        method: "householder": a product of reflections, applied as two products with `reflections` vectors each, no
            matrix is formed. It reaches every orthogonal matrix whose determinant is (-1)^reflections, if there are at
            least features - 1 of them. "cayley": (I - A) (I + A)^-1 with A skew-symmetric: every rotation
            without the eigenvalue -1. "exp": exp(A): every rotation.
        reflections: number of Householder reflections; by default the largest even number up to features, at least 2.
        key: draws a random matrix. Without it the map starts as the identity, unless the number of reflections is
            odd, when one is left.

    Raises:
        ConfigError: if features is no whole number above 0, the method unknown, or reflections no whole number above 0
            or given for another method.

    Reference: Tomczak and Welling 2016, arXiv:1611.09630, section 3 (reflections). For A, Cayley's map and the
        exponential: Golinski et al. 2019, Improving Normalizing Flows via Better Orthogonal Parameterizations, ICML
        workshop on Invertible Neural Networks and Normalizing Flows.
    """

    weights: Array
    shift: Array
    method: OrthogonalMethod = eqx.field(static=True)

    def __init__(
        self,
        features: int,
        *,
        method: OrthogonalMethod = "householder",
        reflections: int | None = None,
        key: PRNGKeyArray | None = None,
    ) -> None:
        self.weights = initial_weights("Orthogonal", features, method, reflections, key)
        self.shift = jnp.zeros(features)
        self.method = method

    def _multiply(self, x: Array) -> tuple[Array, Array]:
        return linalg.rotate(self.weights, x, method=self.method), jnp.zeros((), x.dtype)

    def _solve(self, y: Array) -> tuple[Array, Array]:
        return linalg.rotate(self.weights, y, method=self.method, transpose=True), jnp.zeros((), y.dtype)


class QR(Linear):
    """y = Q R x + shift with Q orthogonal and R upper triangular with a positive diagonal.

    log|det| = sum(log diag R). With enough reflections it reaches every regular matrix whose determinant has the sign
    of (-1)^reflections.

    Args:
        features: size of the event.
        method: how Q is made, see `Orthogonal`.
        reflections: number of Householder reflections, see `Orthogonal`.
        key: draws a random Q and small entries of R. Without it the map starts as the identity, unless the number of
            reflections is odd.

    Raises:
        ConfigError: as `Orthogonal`.

    Reference: Hoogeboom et al. 2019, Emerging Convolutions for Generative Normalizing Flows, arXiv:1901.11137, the
        section on QR 1 x 1 convolutions.
    """

    weights: Array
    upper: Array
    log_diagonal: Array
    shift: Array
    method: OrthogonalMethod = eqx.field(static=True)

    def __init__(
        self,
        features: int,
        *,
        method: OrthogonalMethod = "householder",
        reflections: int | None = None,
        key: PRNGKeyArray | None = None,
    ) -> None:
        first, second = (None, None) if key is None else jr.split(key)
        self.weights = initial_weights("QR", features, method, reflections, first)
        self.upper = small(second, features)
        self.log_diagonal = jnp.zeros(features)
        self.shift = jnp.zeros(features)
        self.method = method

    def _multiply(self, x: Array) -> tuple[Array, Array]:
        turned = linalg.rotate(self.weights, matmul(self._triangle(), x), method=self.method)
        return turned, jnp.sum(self.log_diagonal)

    def _solve(self, y: Array) -> tuple[Array, Array]:
        turned = linalg.rotate(self.weights, y, method=self.method, transpose=True)
        return linalg.solve_triangle(self._triangle(), turned, lower=False), jnp.sum(self.log_diagonal)

    def _triangle(self) -> Array:
        return linalg.triangle(self.upper, self.log_diagonal, lower=False)


def initial_weights(
    who: str, features: int, method: str, reflections: int | None, key: PRNGKeyArray | None
) -> Array:
    """Return the weights of an orthogonal matrix at its start, see `Orthogonal`."""
    check_features(who, features)
    if method not in typing.get_args(OrthogonalMethod):
        raise ConfigError(f"{who}: expected method householder, cayley or exp, got {method!r}.")
    if method != "householder":
        if reflections is not None:
            raise ConfigError(f"{who}: expected no reflections with method {method}, got {reflections!r}.")
        return jnp.zeros((features, features)) if key is None else jr.normal(key, (features, features))
    count = max(features - features % 2, 2) if reflections is None else reflections
    if type(count) is not int or count < 1:
        raise ConfigError(f"{who}: expected reflections to be a whole number of at least 1, got {count!r}.")
    if key is not None:
        return jr.normal(key, (count, features))
    # Two equal reflections cancel.
    return jnp.eye(features)[jnp.arange(count) // 2 % features]
