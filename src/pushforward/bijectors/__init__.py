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
from .residual import AdditiveResidual, Residual
from .scalar import Affine, Gate, RationalQuadraticSpline, ScalarMap, Scale, Shift
from .shape import Identity, Permute, Reverse

__all__ = [
    "BATCH_AXIS",
    "LU",
    "ActNorm",
    "AdditiveResidual",
    "Affine",
    "Autoregressive",
    "BatchNorm",
    "Bijector",
    "Chain",
    "Coupling",
    "Elementwise",
    "Frozen",
    "Gate",
    "Identity",
    "Invert",
    "Marginals",
    "Permute",
    "RationalQuadraticSpline",
    "Residual",
    "Reverse",
    "ScalarMap",
    "Scale",
    "Shift",
    "Stack",
    "alternating",
    "checkerboard",
    "halves",
]
