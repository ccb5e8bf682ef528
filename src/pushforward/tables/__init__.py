"""From a table of numbers to a fitted flow, without tuning."""

from .default import Settings, settings_for
from .fitting import TableFit, fit_table

__all__ = ["Settings", "TableFit", "fit_table", "settings_for"]
