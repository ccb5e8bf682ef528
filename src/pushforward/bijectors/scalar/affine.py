"""Affine scalar maps: Shift, Scale, Affine and Gate, with the scale parameterisations of the papers."""

import math
from typing import ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ...errors import ConfigError
from ...numerics.elementary import soft_bound
from .base import ScalarMap, check_bound

ScaleKind = Literal["exp", "softplus", "sigmoid"]

_SOFTPLUS_SHIFT = math.log(math.expm1(1))  # softplus(_SOFTPLUS_SHIFT) = 1
_SIGMOID_SHIFT = 2.0
_LEAST_LOG_SCALE = -30.0  # a scale of 1e-13: beyond, dividing by it soon overflows float32


class Shift(ScalarMap):
    """y = x + shift (NICE's additive coupling, Dinh et al. 2014, arXiv:1410.8516, section 3.2)."""

    elementwise: ClassVar[bool] = True

    @property
    def num_params(self) -> int:
        """1: the shift."""
        return 1

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Add the shift; see `ScalarMap`."""
        return x + params[0], jnp.zeros_like(x)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Subtract the shift; see `ScalarMap`."""
        return y - params[0], jnp.zeros_like(y)


class Scale(ScalarMap):
    """y = exp(a) * x (NICE's final scaling, Dinh et al. 2014, arXiv:1410.8516, section 3.3)."""

    elementwise: ClassVar[bool] = True

    @property
    def num_params(self) -> int:
        """1: the log of the scale."""
        return 1

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Multiply by the scale; see `ScalarMap`."""
        return x * jnp.exp(params[0]), params[0] + jnp.zeros_like(x)

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Divide by the scale; see `ScalarMap`."""
        return y * jnp.exp(-params[0]), jnp.zeros_like(y) - params[0]


class Affine(ScalarMap):
    """y = scale * x + shift, with the scale made positive in one of three ways.

    Args:
        scale: how the raw parameter a becomes a scale.
            "exp": exp(bound * tanh(a / bound)) (RealNVP, Dinh et al. 2016, arXiv:1605.08803, section 4.1: the
            exponential of a bounded network output); the scale stays within exp(+-bound).
            "softplus": log(1 + exp(a + log(e - 1))), growing linearly, never zero.
            "sigmoid": sigmoid(a + 2) (Glow's code; IAF's gate, Kingma et al. 2016, arXiv:1606.04934,
            algorithm 1): contracts only, and is 0.88 rather than 1 at parameters zero.
            The last two stop at exp(-30).
        bound: the bound of "exp".

    Raises:
        ConfigError: if the scale is unknown or the bound is no positive number.

    Gradients: finite for every x, raw scale and shift for which y is; zero with respect to a raw scale that
        is held.
    """

    elementwise: ClassVar[bool] = True

    scale: ScaleKind = eqx.field(static=True, default="exp")
    bound: float = eqx.field(static=True, default=3.0)

    @property
    def num_params(self) -> int:
        """2: the raw scale and the shift."""
        return 2

    def __check_init__(self) -> None:
        if self.scale not in ("exp", "softplus", "sigmoid"):
            raise ConfigError(f"Affine: expected scale exp, softplus or sigmoid, got {self.scale!r}.")
        check_bound("Affine", self.bound)

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Scale, then shift; see `ScalarMap`."""
        log_scale = self._log_scale(params[0])
        return x * jnp.exp(log_scale) + params[1], log_scale

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Undo the shift, then the scale; see `ScalarMap`."""
        log_scale = self._log_scale(params[0])
        return (y - params[1]) * jnp.exp(-log_scale), -log_scale

    def _log_scale(self, raw: Array) -> Array:
        if self.scale == "exp":
            return soft_bound(raw, self.bound)
        if self.scale == "softplus":
            return _log_softplus(jnp.maximum(raw + _SOFTPLUS_SHIFT, _LEAST_LOG_SCALE))
        return _log_gate(raw)


class Gate(ScalarMap):
    """y = g x + (1 - g) m with a gate g = sigmoid(s + 2): a moving average, numerically stable in deep flows.

    It contracts only. At parameters zero it is a multiplication by 0.88 rather than the identity: the gate starts
    nearly open, as the paper advises. Its logarithm stops at -30.

    Reference: Kingma et al. 2016, IAF, arXiv:1606.04934, eq. 13-14.
    """

    elementwise: ClassVar[bool] = True

    @property
    def num_params(self) -> int:
        """2: s, the raw gate, and m."""
        return 2

    def forward(self, params: Array, x: Array) -> tuple[Array, Array]:
        """Mix x and m; see `ScalarMap`."""
        log_gate = _log_gate(params[0])
        return x * jnp.exp(log_gate) - params[1] * jnp.expm1(log_gate), log_gate

    def inverse(self, params: Array, y: Array) -> tuple[Array, Array]:
        """Take m's part away; see `ScalarMap`."""
        log_gate = _log_gate(params[0])
        return (y + params[1] * jnp.expm1(log_gate)) * jnp.exp(-log_gate), -log_gate


def _log_gate(raw: Array) -> Array:
    return jax.nn.log_sigmoid(jnp.maximum(raw + _SIGMOID_SHIFT, _LEAST_LOG_SCALE))


def _log_softplus(u: Array) -> Array:
    """Return log(log(1 + exp(u))).

    For u < -15 as its series u - exp(u) / 2, with an error below exp(2 u) / 4 < 3e-14: so the logarithm never
    sees a number so small that dividing a gradient by it overflows.
    """
    low = u < -15.0
    direct = jnp.log(jax.nn.softplus(jnp.where(low, 0.0, u)))
    return jnp.where(low, u - jnp.exp(jnp.where(low, u, 0.0)) / 2, direct)
