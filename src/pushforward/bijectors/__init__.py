"""Invertible maps of one event with exact log-determinants."""

from .autoregressive import Autoregressive
from .base import BATCH_AXIS, Bijector
from .compose import Chain, Invert, Stack
from .coupling import Coupling, alternating, checkerboard, halves
from .elementwise import Elementwise
from .frozen import Frozen
from .linear import LU
from .marginals import Marginals
from .norm import ActNorm, BatchNorm
from .scalar import (
    Affine,
    Bernstein,
    DeepSigmoid,
    Gate,
    Gaussianize,
    MixtureOfLogistics,
    MonotoneIntegral,
    RationalQuadraticSpline,
    ScalarMap,
    Scale,
    Shift,
    SumOfSquares,
)
from .shape import Identity, Permute, Reverse

__all__ = [
    "BATCH_AXIS",
    "LU",
    "ActNorm",
    "Affine",
    "Autoregressive",
    "BatchNorm",
    "Bernstein",
    "Bijector",
    "Chain",
    "Coupling",
    "DeepSigmoid",
    "Elementwise",
    "Frozen",
    "Gate",
    "Gaussianize",
    "Identity",
    "Invert",
    "Marginals",
    "MixtureOfLogistics",
    "MonotoneIntegral",
    "Permute",
    "RationalQuadraticSpline",
    "Reverse",
    "ScalarMap",
    "Scale",
    "Shift",
    "Stack",
    "SumOfSquares",
    "alternating",
    "checkerboard",
    "halves",
]
