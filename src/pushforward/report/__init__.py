"""One page about a fitted model and a table: what was fitted, how well, and where not."""

from .building import Report, build_report
from .subject import Rows, Subject, gather

__all__ = ["Report", "Rows", "Subject", "build_report", "gather"]
