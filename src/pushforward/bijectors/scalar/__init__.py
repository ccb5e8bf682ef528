"""Scalar maps: monotone functions of one number, given a vector of unconstrained parameters."""

from .affine import Affine, Gate, Scale, Shift
from .base import ScalarMap
from .rational_quadratic import RationalQuadraticSpline
from .relu import LeakyReLU, PReLU

__all__ = [
    "Affine",
    "Gate",
    "LeakyReLU",
    "PReLU",
    "RationalQuadraticSpline",
    "ScalarMap",
    "Scale",
    "Shift",
]
