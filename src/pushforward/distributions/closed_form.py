"""Laws whose moments are known in closed form."""

import abc
from typing import ClassVar

from jaxtyping import Array

from .base import Distribution


class ClosedForm(Distribution):
    """A law without context that knows its mean and its variance."""

    context_shape: ClassVar[None] = None

    @abc.abstractmethod
    def mean(self) -> Array:
        """The mean of every element, shape `event_shape`; nan where it does not exist."""

    @abc.abstractmethod
    def variance(self) -> Array:
        """The variance of every element, shape `event_shape`; inf or nan where it does not exist."""
