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
        NotConverged: in place of that runtime error. Others pass.
    """
    quiet, logger = _Quiet(), logging.getLogger("jax._src.callback")
    logger.addFilter(quiet)
    try:
        yield
    except RuntimeError as error:
        _, found, text = str(error).partition(_PREFIX)
        if not found or isinstance(error, NotConverged):
            raise
        raise NotConverged(text.splitlines()[0]) from error
    finally:
        logger.removeFilter(quiet)


class _Quiet(logging.Filter):
    """One for each context: threads are in theirs at the same time."""

    def filter(self, record: logging.LogRecord) -> bool:
        return _PREFIX not in str(record.exc_info and record.exc_info[1])
