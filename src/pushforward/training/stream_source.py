"""Rows that need not fit into memory: what a source must offer, and the order in which an epoch takes them."""

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeGuard

import jax
import numpy as np

from ..errors import ConfigError
from .pieces import Cutter, Numbered, joined
from .rows import Rows

Block = np.ndarray | tuple[np.ndarray, np.ndarray]
"""Some rows of a source: events, or a tuple of events and contexts."""

_FIELDS = ("sizes", "in_order", "buffer", "read", "describe")


class RowSource(Protocol):
    """Rows in groups, such as the row groups of Parquet files. `pushforward.fit` trains on it in constant memory."""

    @property
    def sizes(self) -> Sequence[int]:
        """Rows of each group."""
        ...

    @property
    def in_order(self) -> bool:
        """Whether groups can only be read in ascending order without reading those between, as in a text file."""
        ...

    @property
    def buffer(self) -> int:
        """How many rows are held in memory and mixed with each other."""
        ...

    def read(self, groups: Sequence[int]) -> Iterator[Block]:
        """Return the rows of some groups, in the order given, each group in blocks of any size.

        The same call must give the same rows. It runs in a thread of its own, and must not use JAX.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """Return what tells these rows from others, as plain data: a checkpoint of others is refused."""
        ...


Opener = Callable[[Block], Rows]
"""Checks a block and turns it into rows of the device's precision."""


def is_source(rows: Any) -> TypeGuard[RowSource]:
    """Tell whether an object is a `RowSource`."""
    return all(hasattr(rows, name) for name in _FIELDS)


def count_rows(source: RowSource) -> int:
    """Return how many rows a source has."""
    return int(sum(source.sizes))


def mixed(
    source: RowSource, opened: Opener, seed: Sequence[int], epoch: int, start: int = 0
) -> Iterator[Numbered]:
    """Return the rows of an epoch in an order that depends on seed and epoch alone, from row `start` of it on.

    The groups come in random order (or, where the source is `in_order`, as they are). What they hold is cut into
    windows of `source.buffer` rows, the first one of a random length, and the rows of each window are shuffled. So the
    order is known without reading, and a run that resumes reads from the window of its next row.

    Args:
        source: the rows.
        opened: see `Opener`.
        seed: words of a key.
        epoch: counted from 0.
        start: how many rows to leave out.

    Raises:
        ConfigError: if the source gives fewer or more rows than its sizes say.
    """
    random, sizes = np.random.default_rng([*seed, epoch]), np.asarray(source.sizes, np.int64)
    groups = np.arange(len(sizes)) if source.in_order else random.permutation(len(sizes))
    total, buffer = int(sizes.sum()), source.buffer
    first = total if total <= buffer else int(random.integers(1, buffer + 1))
    bounds = [*range(first - buffer, total, buffer), total]
    bounds[0] = 0
    bounds = sorted(set(bounds))
    begin = bounds[int(np.searchsorted(bounds, start, side="right")) - 1]
    cutter = Cutter(numbered(source, opened, groups, begin))
    for low, high in itertools.pairwise(bound for bound in bounds if bound >= begin):
        window = cutter.take(high - low)
        order = np.random.default_rng([*seed, epoch, low]).permutation(high - low)
        yield window.at(order[max(start - low, 0) :])
    if not cutter.is_empty():
        raise _wrong_sizes()


def numbered(
    source: RowSource, opened: Opener, groups: Sequence[int] | np.ndarray, begin: int = 0
) -> Iterator[Numbered]:
    """Read groups in the order given, from row `begin` of them on, and number their rows.

    Groups that lie before `begin` as a whole are not read.
    """
    sizes = np.asarray(source.sizes, np.int64)
    groups = np.asarray(groups, np.int64)
    starts, ends = (np.cumsum(sizes) - sizes)[groups], np.cumsum(sizes[groups])
    skipped = int(np.searchsorted(ends, begin, side="right"))
    place = int(ends[skipped - 1]) if skipped else 0
    for block in source.read([int(group) for group in groups[skipped:]]):
        rows = opened(block)
        places = np.arange(place, place + len(rows))
        place += len(rows)
        if place > ends[-1]:
            raise _wrong_sizes()
        which = np.searchsorted(ends, places, side="right")
        found = Numbered(rows, starts[which] + places - (ends - sizes[groups])[which])
        if place > begin:
            yield found.at(slice(max(begin - (place - len(rows)), 0), None))


def evenly_spaced(source: RowSource, opened: Opener, count: int) -> Numbered:
    """Return at most `count` rows, evenly spaced over all of a source, which is read once."""
    total = count_rows(source)
    count = min(count, total)
    wanted = np.arange(count) * total // max(count, 1)
    return picked(source, opened, wanted)


def picked(source: RowSource, opened: Opener, wanted: np.ndarray) -> Numbered:
    """Return the rows with some numbers, which ascend. Groups without any are not read, unless that is cheap.

    Args:
        source: the rows.
        opened: see `Opener`.
        wanted: numbers of rows in ascending order, at least one.
    """
    ends = np.cumsum(np.asarray(source.sizes, np.int64))
    groups = np.unique(np.searchsorted(ends, wanted, side="right"))
    found = []
    for rows in numbered(source, opened, groups):
        found.append(rows.at(np.isin(rows.numbers, wanted, assume_unique=True)))
    if sum(rows.count for rows in found) != len(wanted):
        raise _wrong_sizes()
    return joined(found)


def digest_of(source: RowSource, opened: Opener) -> str:
    """Return a hash of what a source says of itself, its sizes, and the first rows of three of its groups."""
    sizes = [int(size) for size in source.sizes]
    digest = hashlib.blake2b(json.dumps([source.describe(), sizes, source.buffer], sort_keys=True).encode())
    for group in sorted({0} if source.in_order else {0, len(sizes) // 2, len(sizes) - 1}):
        for part in jax.tree.leaves(opened(next(iter(source.read([group]))))):
            digest.update(f"{part.dtype}{part.shape[1:]}".encode())
            digest.update(np.ascontiguousarray(part[:1024]).tobytes())
    return digest.hexdigest()[:32]


def _wrong_sizes() -> ConfigError:
    return ConfigError("fit: the source gave other rows than its sizes say. Did its files change?")
