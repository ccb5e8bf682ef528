"""Scalar maps: monotone functions of one number, given a vector of unconstrained parameters."""

from .affine import Affine, Gate, Scale, Shift
from .base import ScalarMap
from .circular import CircularSpline
from .cubic_rational import CubicRational
from .functions import Exp, Log, Logit, NormalCDF, Power, Sigmoid, Softplus, Tanh
from .piecewise import PiecewiseLinear, QuadraticSpline
from .rational_quadratic import RationalQuadraticSpline
from .relu import LeakyReLU, PReLU
from .sinh_arcsinh import SinhArcsinh

__all__ = [
    "Affine",
    "CircularSpline",
    "CubicRational",
    "Exp",
    "Gate",
    "LeakyReLU",
    "Log",
    "Logit",
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
    "Tanh",
]
