"""The only place where batches are made: one row's function over many rows, compiled, on all cores."""

import functools
import math
import operator
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array

from ..numerics.batching import MOST_ROWS, in_pieces
from ..numerics.convergence import naming_failures
from ..numerics.programs import Compiled, Still, on_cpu, partition

ROWS_PER_CALL = MOST_ROWS
"""The most rows of one compiled call; longer batches run in several calls."""

# The most rows of a block, and numbers in it. Measured on two cores at 2, 21 and 63 features: blocks that stay in a
# core's own cache, with each core at a call of its own, take 0.6 to 0.8 of the time of XLA's threads on one call. A
# call must be worth a thread: a block at least. Elsewhere a block only bounds the memory, and on a GPU one of 1 << 15
# numbers took up to 6 times as long.
_CPU_BLOCK = 512, 1 << 14
_OTHER_BLOCK = ROWS_PER_CALL, 1 << 20


def map_rows(
    function: Callable, rows: tuple[Any, ...], shared: tuple[Any, ...] = (), *, width: int = 1
) -> Any:
    """Map `function(*row, *shared)` over the leading axis of `rows`.

    The map is compiled. Outside of JAX transformations it runs in calls of one size, the last one padded, and the size
    is one of a few: any number of rows meets one of some twenty compiled programs. On a CPU, cutting and padding are
    NumPy's work: in JAX each new number of rows compiles a few small programs of its own. So is joining what the cores
    found, but for numbers of rows that come again (`_comes_again`). A program goes through its
    rows in blocks that stay in the processor's cache, and every core has a call of its own. An accelerator cuts what
    lies there itself, which takes an eighth of the time of the way through the host and back.

    Args:
        function: a module, a module's method or a function of (*row, *shared), for one row.
        rows: arrays of shape (n, ...), n of any size, 0 included.
        shared: what every row sees alike.
        width: how many numbers one row's work is about; wider rows go in smaller blocks.

    Returns:
        The results, stacked along the first axis.
    """
    count = rows[0].shape[0]
    arrays, still = partition((function, shared))  # once for all calls: it takes as long as they do
    if count == 0:
        shapes = eqx.filter_eval_shape(lambda: _map_compiled(arrays, rows, still, None))
        return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    leaves = [*arrays, *rows]
    if _any_traced(leaves):
        return _map_compiled(arrays, rows, still, None)
    hosted = on_cpu()
    block = _block_rows(width, *(_CPU_BLOCK if hosted else _OTHER_BLOCK))
    threads = _cores() if hosted and count >= 2 * block and not _are_shared(leaves) else 1
    size = _call_rows(count, block, threads)
    cut = math.gcd(block, size)
    # A lone call of less than two blocks is done at once: spline flows take 0.75 to 0.8 of the time, others as long.
    cut = None if cut == size or count < 2 * block else cut
    stays = not hosted and _lie_together(leaves, rows)

    def call(start: int) -> Any:
        piece = rows
        if stays and size != count:
            piece = _cut(rows, start or None, size)
        elif not stays:
            piece = tuple(_padded(np.asarray(row)[start : start + size], size) for row in rows)
        with naming_failures():
            return jax.block_until_ready(_map_compiled(arrays, piece, still, cut))

    if size == count:
        return call(0)
    starts = range(0, count, size)
    if threads == 1:
        parts = [call(start) for start in starts]
    else:
        parts = _threaded(call, starts, threads, _Program.of(arrays, rows, still, size, cut))
    if not hosted or (1 < len(parts) <= threads and _comes_again(count)):
        return _joined_compiled(parts, count)
    return jax.tree.map(lambda *parts: _joined(parts, count), *parts)


class _Program(NamedTuple):
    """What calls of one compiled program have in common, as a hash, and JAX's settings, which decide about it too."""

    mark: int
    settings: tuple[Any, ...]

    @classmethod
    def of(
        cls, arrays: Sequence[Any], rows: Sequence[Any], still: Still, size: int, block: int | None
    ) -> "_Program":
        """Return it for calls of `_map_compiled` with so many rows, under the settings that this thread sees."""
        settings, kinds = _settings(), tuple(map(_kind, arrays))
        events = tuple((row.shape[1:], row.dtype) for row in rows)
        return cls(hash((kinds, events, still, size, block, settings)), settings)


def _kind(array: Any) -> tuple[Any, ...]:
    """Return what a program depends on of an array."""
    if isinstance(array, jax.Array):
        return array.aval, array.sharding, array.committed
    return array.shape, array.dtype


_CALLED: set[int] = set()
"""The marks of the programs that were called by callers."""


def _threaded(
    call: Callable[[int], Any], starts: Sequence[int], threads: int, program: _Program
) -> list[Any]:
    """Return `call` of every start, as many at once as there are threads.

    XLA runs the calls of one thread one after the other, those of several side by side. Settings of JAX may hold for
    one thread alone, so only the caller's traces and compiles, and the others work where all settings are the same.

    The first call of a program is the caller's. Were it a thread's, which refuses to trace, JAX would remember that
    this program does not start quickly: each call of it would take a millisecond more, for good. After
    `jax.clear_caches` a thread does come first. Then JAX has to forget all programs of this kind once more.
    """
    known = program.mark in _CALLED
    done = [] if known else [call(starts[0])]
    _CALLED.add(program.mark)
    rest = starts[len(done) :]
    found = _side_by_side(call, rest, threads, program.settings)
    return [*done, *(map(call, rest) if found is None else found)]


def _side_by_side(
    call: Callable[[int], Any], starts: Sequence[int], threads: int, settings: tuple[Any, ...]
) -> list[Any] | None:
    """Return `call` of every start from threads of their own, or None if that is the caller's to do.

    It is where a thread would have to trace, or while the threads are at work for somebody else, who may be waiting
    for this caller.
    """
    if len(starts) < 2:
        return None

    def one(start: int) -> Any:
        if _settings() != settings:
            raise _NeedsCaller
        return call(start)

    pool, lock = _pool(threads, os.getpid())
    if not lock.acquire(blocking=False):
        return None
    futures = []
    try:
        for start in starts:
            futures.append(_submitted(pool, one, start))
        return [future.result() for future in futures]
    except _WouldTrace:
        wait(futures)
        _map_compiled.clear_cache()
        return None
    except _NeedsCaller:
        return None
    finally:
        for future in futures:
            future.cancel()
        wait(futures)
        lock.release()


def _submitted(pool: ThreadPoolExecutor, one: Callable[[int], Any], start: int) -> Future:
    try:
        return pool.submit(one, start)
    except RuntimeError as error:
        # The main thread has ended, after which no pool takes work; this thread goes on.
        raise _NeedsCaller from error


@functools.cache
def _pool(threads: int, process: int) -> tuple[ThreadPoolExecutor, threading.Lock]:
    """Return the threads of a process; they stay, because a new one shares its maker's core for a while."""
    del process  # a fork has none of its parent's threads
    return ThreadPoolExecutor(threads, "pushforward", _refuse_to_trace), threading.Lock()


class _NeedsCaller(Exception):
    """What the thread was asked for is the caller's to do."""


class _WouldTrace(_NeedsCaller):
    """It would be the program's first call."""


_THREAD = threading.local()
_SETTINGS = operator.attrgetter(*(name for name in dir(jax.config) if name.startswith("jax_")))


def _refuse_to_trace() -> None:
    _THREAD.refuses = True


def _settings() -> tuple[Any, ...]:
    """Return JAX's settings as this thread sees them."""
    return _SETTINGS(jax.config)


@functools.partial(Compiled, static_argnums=(2, 3))
def _map_compiled(arrays: tuple[Any, ...], rows: tuple[Any, ...], still: Still, block: int | None) -> Any:
    if getattr(_THREAD, "refuses", False):
        raise _WouldTrace
    function, shared = still.filled(arrays)
    if block is None:
        return in_pieces(lambda *row: function(*row, *shared), *rows)
    return jax.lax.map(lambda row: function(*row, *shared), rows, batch_size=block)


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _are_shared(leaves: list[Any]) -> bool:
    """Return whether an array lies on several devices: calls on it side by side would wait for each other."""
    return any(isinstance(leaf, jax.Array) and leaf.sharding.num_devices > 1 for leaf in leaves)


def _block_rows(width: int, most: int, numbers: int) -> int:
    """Return the rows of a block, a power of two: 64 at least, and no more than so many rows and numbers."""
    return 1 << (min(max(numbers // width, 64), most).bit_length() - 1)


def _call_rows(count: int, block: int, cores: int) -> int:
    """Return the rows of each of the equal calls that `count` rows are cut into.

    It is a power of two up to 512, a multiple of 512 up to 4096, then one of 1024, and of 2048 from 8192 on.
    """
    threads = min(max(count // block, 1), cores)
    most = ROWS_PER_CALL if threads == 1 else ROWS_PER_CALL // 2
    calls = threads * -(-count // (threads * most))
    rows = -(-count // calls)
    if rows <= 512:
        return 1 << (rows - 1).bit_length()
    step = 512 if rows <= 4096 else 1024 if rows <= 8192 else 2048
    return -(-rows // step) * step


def _any_traced(leaves: Sequence[Any]) -> bool:
    return any(isinstance(leaf, Tracer) for leaf in leaves)


def _lie_together(leaves: list[Any], rows: tuple[Any, ...]) -> bool:
    """Return whether the rows are on a device, and with all other arrays on the same one."""
    places = {device for leaf in leaves if isinstance(leaf, jax.Array) for device in leaf.devices()}
    return len(places) == 1 and all(isinstance(row, jax.Array) for row in rows)


@functools.partial(jax.jit, static_argnums=2)
def _cut(rows: tuple[Any, ...], start: int | None, size: int) -> tuple[Any, ...]:
    """Return so many rows from a place on, the last one again where there are no more.

    For the first place, None is faster: no number has to go to the device.
    """
    places = jnp.arange(size) if start is None else start + jnp.arange(size)
    return tuple(row[jnp.minimum(places, row.shape[0] - 1)] for row in rows)


@functools.partial(jax.jit, static_argnums=1)
def _joined_compiled(parts: list[Any], count: int) -> Any:
    return jax.tree.map(lambda *parts: jnp.concatenate(parts)[:count], *parts)


_COUNTS: set[int] = set()
"""Numbers of rows whose parts were joined: the first so many, for each of which there may be a program that does it."""

_MOST_COUNTS = 64


def _comes_again(count: int) -> bool:
    """Return whether so many rows were joined before, so that a program for them is worth compiling.

    Right after other work, NumPy and the way back from it take 0.5 ms, a program 0.2.
    """
    if count in _COUNTS:
        return True
    if len(_COUNTS) < _MOST_COUNTS:
        _COUNTS.add(count)
    return False


def _joined(parts: tuple[Any, ...], count: int) -> Array:
    # Concrete rows inside somebody's jit give traced results.
    if _any_traced(parts):
        return jnp.concatenate(parts)[:count]
    place = parts[0].sharding
    chosen = parts[0].committed and place.num_devices == 1
    return jax.device_put(np.concatenate(parts)[:count], place if chosen else None)


def _padded(rows: np.ndarray, size: int) -> np.ndarray:
    """Repeat the last row until there are `size` of them."""
    missing = size - len(rows)
    return np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing else rows
