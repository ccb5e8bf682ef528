"""Checks for bijectors and flows, the library's own and yours, and broken examples that prove the checks."""

from .bijector import BIJECTOR_CHECKS, bijector_checks, check_bijector
from .report import CheckFailed, Finding, Report, Result

__all__ = [
    "BIJECTOR_CHECKS",
    "CheckFailed",
    "Finding",
    "Report",
    "Result",
    "bijector_checks",
    "check_bijector",
]
