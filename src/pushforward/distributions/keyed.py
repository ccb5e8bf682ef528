"""Laws with something random inside them, which training draws and evaluation does not."""

import abc

from jaxtyping import Array, PRNGKeyArray

from .base import Distribution


class Keyed(Distribution):
    """A law whose log-density may take a key while it is trained; without one it is deterministic.

    A subclass is final. Besides what `Distribution` asks for it says what one step of training draws.
    """

    @abc.abstractmethod
    def _log_prob(self, x: Array, context: Array | None, key: PRNGKeyArray | None = None) -> Array:
        """Return the log-density of one event, in nats; with a key, what is random for each event (dropout) is on."""

    @abc.abstractmethod
    def _for_step(self, key: PRNGKeyArray) -> "Keyed":
        """Return the law with what is drawn once for all events of a training step (an ensemble's masks)."""
