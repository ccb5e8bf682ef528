"""Log-densities and samples in blocks of one size, so that any number of rows meets one compiled program."""

import jax
import jax.random as jr
import numpy as np
from jaxtyping import ArrayLike

from ..distributions import Distribution

BLOCK = 1024
"""Rows of a call."""


def log_probs(law: Distribution, rows: ArrayLike, context: ArrayLike | None = None) -> np.ndarray:
    """Return the log-densities of rows, shape (n, *event_shape), in float64; see `Distribution.log_prob`.

    Where few rows of many different numbers are asked about, compilation would take most of the time: the last block is
    filled up with its last row instead.

    Args:
        law: any law.
        rows: n of any size.
        context: conditions, one for each row, if the law takes any.
    """
    values = np.asarray(rows)
    given = None if context is None else np.asarray(context)
    found = [
        np.asarray(law.log_prob(_filled(values, start), None if given is None else _filled(given, start)))
        for start in range(0, len(values), BLOCK)
    ]
    return np.concatenate([np.empty(0), *found])[: len(values)]


def draws(law: Distribution, key: jax.Array, rows: int, context: ArrayLike | None = None) -> np.ndarray:
    """Return samples, shape (rows, *event_shape).

    Args:
        law: any law.
        key: a JAX random key.
        rows: how many.
        context: conditions, one for each sample, if the law takes any.
    """
    given = None if context is None else np.asarray(context)
    found = []
    for start in range(0, rows, BLOCK):
        own = jr.fold_in(key, start)
        if given is None:
            found.append(np.asarray(law.sample(own, (BLOCK,))))
        else:
            found.append(np.asarray(law.sample(own, (1,), _filled(given, start)))[0])
    return np.concatenate(found)[:rows]


def _filled(values: np.ndarray, start: int) -> np.ndarray:
    some = values[start : start + BLOCK]
    return np.concatenate([some, np.repeat(some[-1:], BLOCK - len(some), axis=0)])
