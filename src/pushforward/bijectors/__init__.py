"""Invertible maps of one event with exact log-determinants."""

from .amortised import Amortised
from .autoregressive import Autoregressive
from .base import BATCH_AXIS, Bijector
from .compose import Chain, Invert, Stack
from .continuous import Continuous, Costs, Solver
from .coupling import Coupling, alternating, checkerboard, halves
from .elementwise import Elementwise
from .frozen import Frozen
from .linear import LU, PLU, Linear, Triangular, TriangularLowRank
from .marginals import Marginals
from .norm import ActNorm, BatchNorm
from .orthogonal import QR, Orthogonal
from .planar import Planar, Radial, Sylvester
from .residual import AdditiveResidual, Residual
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
    "PLU",
    "QR",
    "ActNorm",
    "AdditiveResidual",
    "Affine",
    "Amortised",
    "Autoregressive",
    "BatchNorm",
    "Bernstein",
    "Bijector",
    "Chain",
    "CircularSpline",
    "Continuous",
    "Costs",
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
    "Linear",
    "Log",
    "Logit",
    "Marginals",
    "MixtureOfLogistics",
    "MonotoneIntegral",
    "NormalCDF",
    "Orthogonal",
    "PReLU",
    "Permute",
    "PiecewiseLinear",
    "Planar",
    "Power",
    "QuadraticSpline",
    "Radial",
    "RationalQuadraticSpline",
    "Residual",
    "Reverse",
    "ScalarMap",
    "Scale",
    "Shift",
    "Sigmoid",
    "SinhArcsinh",
    "SoftmaxCentered",
    "Softplus",
    "Solver",
    "Stack",
    "StickBreaking",
    "SumOfSquares",
    "Sylvester",
    "Tanh",
    "Triangular",
    "TriangularLowRank",
    "alternating",
    "checkerboard",
    "halves",
]
