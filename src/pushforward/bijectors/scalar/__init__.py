"""Scalar maps: monotone functions of one number, given a vector of unconstrained parameters."""

from .affine import Affine, Gate, Scale, Shift
from .base import ScalarMap
from .gaussianize import Gaussianize
from .integral import MonotoneIntegral
from .polynomials import Bernstein, SumOfSquares
from .rational_quadratic import RationalQuadraticSpline
from .sigmoids import DeepSigmoid, MixtureOfLogistics

__all__ = [
    "Affine",
    "Bernstein",
    "DeepSigmoid",
    "Gate",
    "Gaussianize",
    "MixtureOfLogistics",
    "MonotoneIntegral",
    "RationalQuadraticSpline",
    "ScalarMap",
    "Scale",
    "Shift",
    "SumOfSquares",
]
