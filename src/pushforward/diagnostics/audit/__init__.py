"""Whether a fit is any good: one line a check, each with a verdict, its number and what to do."""

from .findings import Audit, Finding, Speed, Verdict
from .rows import support
from .running import CHECKS, audit

__all__ = ["CHECKS", "Audit", "Finding", "Speed", "Verdict", "audit", "support"]
