"""`NotConverged`, where a search, a fixed point or a solver does not arrive: no wrong number in silence."""

import contextlib
import logging
from collections.abc import Iterator
from typing import TypeVar

import equinox as eqx
from jax.core import Tracer
from jaxtyping import Array, PyTree

from ..errors import NotConverged

_PREFIX = "NotConverged: "
_RAISED, _ADVICE = (
    "_EquinoxRuntimeError: ",
    "\n\n\n---",
)  # what is before and behind a message of `eqx.error_if`

Value = TypeVar("Value", bound=PyTree)


def unless_failed(value: Value, failed: Array, message: str) -> Value:
    """Return a value, or raise if it was not found.

    Args:
        value: what was found, any PyTree of arrays.
        failed: where it was not, a boolean array of any shape.
        message: who expected what, what came instead, and what to do.

    Raises:
        NotConverged: if anything failed. Under `jax.jit`, which lets no other class through, it is Equinox's runtime
            error whose text begins with "NotConverged: "; `naming_failures` makes it a `NotConverged` again. It costs
            nothing while nothing fails.
    """
    if not isinstance(failed, Tracer):
        if failed.any():
            raise NotConverged(message)
        return value
    return eqx.error_if(value, failed, _PREFIX + message)


@contextlib.contextmanager
def naming_failures() -> Iterator[None]:
    """Within the context, the runtime error of compiled code in which `unless_failed` met a failure is `NotConverged`.

    It is raised and not logged as well: JAX would log the stack of the callback that found it.

    Raises:
        NotConverged: in place of that runtime error.
        EquinoxRuntimeError: with the message alone, in place of that of another `eqx.error_if`. Other errors pass.
    """
    quiet, logger = _Quiet(), logging.getLogger("jax._src.callback")
    logger.addFilter(quiet)
    try:
        yield
    except (RuntimeError, ValueError) as error:  # of which class depends on where JAX learns of it
        _, found, text = str(error).partition(_PREFIX)
        if found and not isinstance(error, NotConverged):
            raise NotConverged(text.splitlines()[0]) from error
        _, found, text = str(error).partition(_RAISED)
        if found:
            raise eqx.EquinoxRuntimeError(text.partition(_ADVICE)[0]) from error
        raise
    finally:
        logger.removeFilter(quiet)


class _Quiet(logging.Filter):
    """One for each context: threads are in theirs at the same time."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and f"{type(record.exc_info[1]).__name__}: " == _RAISED)
