"""Invertible maps of one event with exact log-determinants."""

from .amortised import Amortised
from .autoregressive import Autoregressive
from .base import BATCH_AXIS, Bijector
from .compose import Chain, Invert, Stack
from .coupling import Coupling, alternating, checkerboard, halves
from .elementwise import Elementwise
from .frozen import Frozen
from .linear import LU, PLU, Linear, Triangular, TriangularLowRank
from .marginals import Marginals
from .norm import ActNorm, BatchNorm
from .orthogonal import QR, Orthogonal
from .planar import Planar, Radial, Sylvester
from .scalar import Affine, Gate, LeakyReLU, PReLU, RationalQuadraticSpline, ScalarMap, Scale, Shift
from .shape import Identity, Permute, Reverse

__all__ = [
    "BATCH_AXIS",
    "LU",
    "PLU",
    "QR",
    "ActNorm",
    "Affine",
    "Amortised",
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
    "LeakyReLU",
    "Linear",
    "Marginals",
    "Orthogonal",
    "PReLU",
    "Permute",
    "Planar",
    "Radial",
    "RationalQuadraticSpline",
    "Reverse",
    "ScalarMap",
    "Scale",
    "Shift",
    "Stack",
    "Sylvester",
    "Triangular",
    "TriangularLowRank",
    "alternating",
    "checkerboard",
    "halves",
]
