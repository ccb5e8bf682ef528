"""The named errors of the library; each is also the builtin that an ordinary `except` would look for."""


class PushforwardError(Exception):
    """Base of every error that the library raises on purpose."""


class ShapeError(PushforwardError, ValueError):
    """Raised when an event, a context or a batch has another shape than the object was built for."""


class DomainError(PushforwardError, ValueError):
    """Raised when a value lies outside the domain of a map or the support of a distribution."""


class ConfigError(PushforwardError, ValueError):
    """Raised when an argument or a combination of arguments makes no sense."""


class BadTable(PushforwardError, ValueError):
    """Raised when a table cannot be read, or does not have the columns or values that the task needs."""


class BadModelFile(PushforwardError, ValueError):
    """Raised when a model file is broken, hostile or of another format; nothing of it was loaded."""


class BadCheckpoint(PushforwardError, RuntimeError):
    """Raised when a training checkpoint is broken, or belongs to another run."""


class NotConverged(PushforwardError, RuntimeError):
    """Raised when a numerical inverse or solver stops before it reached its tolerance."""


class NonFiniteLoss(PushforwardError, FloatingPointError):
    """Raised when training met a loss or gradient that is not finite and could not recover from it."""


class NoInverse(PushforwardError, NotImplementedError):
    """Raised when a map has no inverse, or none in the direction asked for."""
