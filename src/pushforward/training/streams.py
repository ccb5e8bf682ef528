"""One key, many named streams of randomness: a new consumer never shifts another."""

import zlib

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import PRNGKeyArray


def stream(key: PRNGKeyArray, name: str) -> PRNGKeyArray:
    """Return the key of the stream called `name`.

    The name is hashed by CRC-32, which is the same in every process (Python's own `hash` is salted).
    """
    return jr.fold_in(key, np.uint32(zlib.crc32(name.encode())))


def words(key: PRNGKeyArray | tuple[int, ...]) -> tuple[int, ...]:
    """Return a key as plain integers; typed and raw keys alike. Integers stay what they are."""
    if isinstance(key, tuple):
        return key
    data = jr.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key
    return tuple(int(word) for word in np.asarray(data).ravel())


def shuffled(count: int, key: PRNGKeyArray | tuple[int, ...], epoch: int) -> np.ndarray:
    """Return the order of the rows in one epoch, a permutation of range(count), int32.

    It depends on key and epoch alone, so a run that resumes needs no more than its step number. NumPy draws
    it on the host: XLA's sort takes 12 ms for 25,000 rows on two cores where this takes 0.7, a tenth of an
    epoch of a small flow.
    """
    order = np.arange(count, dtype=np.int32)
    np.random.default_rng([*words(key), epoch]).shuffle(order)
    return order
