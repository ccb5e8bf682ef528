"""Invertible maps of one event with exact log-determinants."""

from .autoregressive import Autoregressive
from .base import BATCH_AXIS, Bijector
from .compose import Chain, Invert, Stack
from .continuous import Continuous, Costs, Solver
from .coupling import Coupling, alternating, checkerboard, halves
from .elementwise import Elementwise
from .frozen import Frozen
from .linear import LU
from .marginals import Marginals
from .norm import ActNorm, BatchNorm
from .scalar import Affine, Gate, RationalQuadraticSpline, ScalarMap, Scale, Shift
from .shape import Identity, Permute, Reverse

__all__ = [
    "BATCH_AXIS",
    "LU",
    "ActNorm",
    "Affine",
    "Autoregressive",
    "BatchNorm",
    "Bijector",
    "Chain",
    "Continuous",
    "Costs",
    "Coupling",
    "Elementwise",
    "Frozen",
    "Gate",
    "Identity",
    "Invert",
    "Marginals",
    "Permute",
    "RationalQuadraticSpline",
    "Reverse",
    "ScalarMap",
    "Scale",
    "Shift",
    "Solver",
    "Stack",
    "alternating",
    "checkerboard",
    "halves",
]
