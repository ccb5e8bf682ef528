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
    CircularSpline,
    CubicRational,
    DeepSigmoid,
    Exp,
    Gate,
    Gaussianize,
    LeakyReLU,
    Log,
    Logit,
    MixtureOfLogistics,
    MonotoneIntegral,
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
    SumOfSquares,
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
    "Bernstein",
    "Bijector",
    "Chain",
    "CircularSpline",
    "Coupling",
    "CubicRational",
    "DeepSigmoid",
    "Elementwise",
    "Exp",
    "Frozen",
    "Gate",
    "Gaussianize",
    "Identity",
    "Invert",
    "LeakyReLU",
    "Log",
    "Logit",
    "Marginals",
    "MixtureOfLogistics",
    "MonotoneIntegral",
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
    "SumOfSquares",
    "Tanh",
    "alternating",
    "checkerboard",
    "halves",
]
