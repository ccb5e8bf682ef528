"""Scalar maps: monotone functions of one number, given a vector of unconstrained parameters."""

from .affine import Affine, Gate, Scale, Shift
from .base import ScalarMap
from .circular import CircularSpline
from .cubic_rational import CubicRational
from .functions import Exp, Log, Logit, NormalCDF, Power, Sigmoid, Softplus, Tanh
from .gaussianize import Gaussianize
from .integral import MonotoneIntegral
from .piecewise import PiecewiseLinear, QuadraticSpline
from .polynomials import Bernstein, SumOfSquares
from .rational_quadratic import RationalQuadraticSpline
from .relu import LeakyReLU, PReLU
from .sigmoids import DeepSigmoid, MixtureOfLogistics
from .sinh_arcsinh import SinhArcsinh

__all__ = [
    "Affine",
    "Bernstein",
    "CircularSpline",
    "CubicRational",
    "DeepSigmoid",
    "Exp",
    "Gate",
    "Gaussianize",
    "LeakyReLU",
    "Log",
    "Logit",
    "MixtureOfLogistics",
    "MonotoneIntegral",
    "NormalCDF",
    "PReLU",
    "PiecewiseLinear",
    "Power",
    "QuadraticSpline",
    "RationalQuadraticSpline",
    "ScalarMap",
    "Scale",
    "Shift",
    "Sigmoid",
    "SinhArcsinh",
    "Softplus",
    "SumOfSquares",
    "Tanh",
]
