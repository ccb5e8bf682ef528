"""distributions"""

from .base import Distribution
from .flow import Flow, Recipe
from .normal import StandardNormal
try:
    from .logistic import Logistic
except ImportError: Logistic=None

__all__=["Distribution","Flow","Recipe","StandardNormal","Logistic"]
