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
    CircularSpline,
    CubicRational,
    Exp,
    Gate,
    LeakyReLU,
    Log,
    Logit,
    NormalCDF,
    PiecewiseLinear,
    Power,
    PReLU,
    QuadraticSpline,
    RationalQuadraticSpline,
    ScalarMap,
    Scale,
    Shift,
    Sigmoid,
    SinhArcsinh,
    Softplus,
    Tanh,
)
from .shape import Identity, Permute, Reverse
from .simplex import SoftmaxCentered, StickBreaking

__all__ = [
    "BATCH_AXIS",
    "LU",
    "ActNorm",
    "Affine",
    "Autoregressive",
    "BatchNorm",
    "Bijector",
    "Chain",
    "CircularSpline",
    "Coupling",
    "CubicRational",
    "Elementwise",
    "Exp",
    "Frozen",
    "Gate",
    "Identity",
    "Invert",
    "LeakyReLU",
    "Log",
    "Logit",
    "Marginals",
    "NormalCDF",
    "PReLU",
    "Permute",
    "PiecewiseLinear",
    "Power",
    "QuadraticSpline",
    "RationalQuadraticSpline",
    "Reverse",
    "ScalarMap",
    "Scale",
    "Shift",
    "Sigmoid",
    "SinhArcsinh",
    "SoftmaxCentered",
    "Softplus",
    "Stack",
    "StickBreaking",
    "Tanh",
    "alternating",
    "checkerboard",
    "halves",
]
