"""Broken bijectors and laws, each with the check that must catch it: the proof that the checks bite.

Precedent: the deliberately bad estimators with which scikit-learn tests its own conformance suite.
"""

from . import impure, unsafe, wrong
from .lawless import LAW_MUTANTS, LawMutant, MadeLaw, correct_law
from .made import MUTANTS, RELATIVES, Made, Mutant

__all__ = [
    "LAW_MUTANTS",
    "MUTANTS",
    "RELATIVES",
    "LawMutant",
    "Made",
    "MadeLaw",
    "Mutant",
    "correct_law",
    "impure",
    "unsafe",
    "wrong",
]
