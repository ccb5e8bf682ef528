"""Checks for bijectors and flows, the library's own and yours, and broken examples that prove the checks."""

from . import mutants
from .bijector import BIJECTOR_CHECKS, bijector_checks, check_bijector
from .flow import FLOW_CHECKS, check_flow, flow_checks
from .report import CheckFailed, Finding, Report, Result

__all__ = [
    "BIJECTOR_CHECKS",
    "FLOW_CHECKS",
    "CheckFailed",
    "Finding",
    "Report",
    "Result",
    "bijector_checks",
    "check_bijector",
    "check_flow",
    "flow_checks",
    "mutants",
]
