"""Scalar maps: monotone functions of one number, given a vector of unconstrained parameters."""

from .affine import Affine, Gate, Scale, Shift
from .base import ScalarMap
from .rational_quadratic import RationalQuadraticSpline

__all__ = ["Affine", "Gate", "RationalQuadraticSpline", "ScalarMap", "Scale", "Shift"]
