"""Where the rows of the steps come from: all of them on the device, or chunks of steps dealt out on the host."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from .layout import Layout
from .pieces import Cutter, Numbered, joined
from .plan import Deal
from .prefetch import Prefetch
from .rows import Rows, Split
from .step import batch_index
from .stream_source import mixed
from .stream_split import StreamSplit
from .streams import shuffled, words

_CHUNK_ROWS = 2**17
_CHUNK_BYTES = 2**26
"""The most rows, and about the most bytes, of a chunk: some of them wait on the host and one is on the device."""


class Portion(NamedTuple):
    """What a compiled call trains on.

    Attributes:
        rows: all rows; or, where `order` is None, those of some steps, shape (steps, rows per step, ...).
        order: the order of the rows in this epoch; None if they are dealt out already.
        first: the place in its epoch of the first of those steps.
        stop: the step before which the call must end.
    """

    rows: Rows
    order: Array | None
    first: np.ndarray
    stop: int


class Feed(Protocol):
    """The rows of the steps, in an order that key and epoch decide."""

    def portion(self, step: int) -> Portion:
        """Return rows for a step and some after it, all of one epoch."""
        ...

    def batch(self, step: int) -> tuple[Rows, np.ndarray]:
        """Return on the host the rows that a step saw, and their numbers in the caller's rows."""
        ...

    def close(self) -> None:
        """Let go of threads and files."""
        ...


def make_feed(split: Split | StreamSplit, deal: Deal, key: PRNGKeyArray, layout: Layout | None) -> Feed:
    """Return what feeds the steps.

    Args:
        split: the rows.
        deal: how an epoch deals them out.
        key: decides the order of the rows.
        layout: the devices that share each batch; None for one.
    """
    if isinstance(split, Split) and layout is None:
        return Resident(split, deal, key)
    seed = words(key)
    if isinstance(split, StreamSplit):
        source, opened = split.source, split.opened
        return Dealt(lambda epoch, start: mixed(source, opened, seed, epoch, start), deal, layout)
    return Dealt(_in_memory(split, key), deal, layout)


class Resident:
    """All rows on the device; an epoch is an order of them."""

    def __init__(self, split: Split, deal: Deal, key: PRNGKeyArray) -> None:
        self._split, self._deal, self._seed = split, deal, words(key)
        self._rows: Rows = jax.tree.map(jnp.asarray, split.training)
        self._order: tuple[int, np.ndarray, Array] | None = None

    def portion(self, step: int) -> Portion:
        """Return all rows, and the order of the epoch."""
        epoch = step // self._deal.steps
        return Portion(
            self._rows, self._order_of(epoch)[1], np.asarray(0, np.int32), (epoch + 1) * self._deal.steps
        )

    def batch(self, step: int) -> tuple[Rows, np.ndarray]:
        """Return the rows of a step; see `Feed`."""
        places = batch_index(step, self._order_of(step // self._deal.steps)[0], self._deal)
        return jax.tree.map(lambda leaf: leaf[places], self._split.training), self._split.index[places]

    def close(self) -> None:
        """Do nothing."""

    def _order_of(self, epoch: int) -> tuple[np.ndarray, Array]:
        """Return the order of the rows in an epoch, on the host and on the device; the last one is kept."""
        if self._order is None or self._order[0] != epoch:
            order = shuffled(self._deal.rows, self._seed, epoch)
            self._order = (epoch, order, jnp.asarray(order))
        return self._order[1], self._order[2]


class Dealt:
    """Chunks of steps, dealt out on the host by a thread while the device works on the chunk before.

    A step's batch is the same whatever the chunks are, that is also where a run resumes.

    Args:
        ordered: gives the rows of an epoch, from one of them on, in pieces of any size.
        deal: how an epoch deals them out.
        layout: the devices that share each batch; None for one.
    """

    def __init__(
        self, ordered: Callable[[int, int], Iterator[Numbered]], deal: Deal, layout: Layout | None
    ) -> None:
        self._ordered, self._deal, self._layout = ordered, deal, layout
        self._width = deal.batch if layout is None else layout.padded(deal.batch)
        self._ahead: Prefetch[tuple[int, Rows]] | None = None
        self._next = -1
        self._held: tuple[int, int, Portion] | None = None
        self._steps: int | None = None

    def portion(self, step: int) -> Portion:
        """Return the chunk that holds a step; see `Feed`."""
        if self._held is None or not self._held[0] <= step < self._held[1]:
            start, rows = self._chunk_with(step)
            epoch_end = (step // self._deal.steps + 1) * self._deal.steps
            stop = min(start + rows.x.shape[0], epoch_end)
            first = np.asarray(start % self._deal.steps, np.int32)
            placed = jax.tree.map(jnp.asarray, rows) if self._layout is None else self._layout.dealt(rows)
            self._held = (start, stop, Portion(placed, None, first, stop))
        return self._held[2]

    def batch(self, step: int) -> tuple[Rows, np.ndarray]:
        """Return the rows of a step; see `Feed`."""
        epoch, turn = divmod(step, self._deal.steps)
        size = self._deal.small + (turn < self._deal.larger)
        rows = Cutter(self._ordered(epoch, self._begin(turn))).take(size)
        return rows.rows, rows.numbers

    def close(self) -> None:
        """End the thread."""
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None

    def _chunk_with(self, step: int) -> tuple[int, Rows]:
        """Return the chunk that holds a step, from the thread if it is the next one there."""
        if self._steps is None or self._ahead is None or self._next != step:
            self.close()
            self._ahead = Prefetch(self._chunks(step))
        start, rows = self._ahead.take()
        self._next = min(start + rows.x.shape[0], (start // self._deal.steps + 1) * self._deal.steps)
        self._steps = rows.x.shape[0]
        return start, rows

    def _begin(self, turn: int) -> int:
        """Return the place in its epoch of a batch's first row."""
        return turn * self._deal.small + min(turn, self._deal.larger)

    def _chunks(self, step: int) -> Iterator[tuple[int, Rows]]:
        """Deal out chunk after chunk, for ever, from a step on."""
        epoch, turn = divmod(step, self._deal.steps)
        while True:
            cutter = Cutter(self._ordered(epoch, self._begin(turn)))
            while turn < self._deal.steps:
                steps = self._steps_of(cutter.peek())
                yield epoch * self._deal.steps + turn, self._deal_out(cutter, turn, steps)
                turn += steps
            epoch, turn = epoch + 1, 0

    def _steps_of(self, row: Numbered) -> int:
        """Return the steps of a chunk."""
        size = sum(leaf.nbytes for leaf in jax.tree.leaves(row.rows))
        rows = min(_CHUNK_ROWS, _CHUNK_BYTES // max(size, 1))
        return min(max(rows // self._deal.batch, 1), self._deal.steps)

    def _deal_out(self, cutter: Cutter, turn: int, steps: int) -> Rows:
        """Return the batches of some steps; those beyond the epoch, and rows that fill up, have weight 0.

        What fills up a smaller batch is the first row of the next one, as it is where all rows are on the device:
        `BatchNorm` counts it.
        """
        deal, begin = self._deal, self._begin(turn)
        last = min(turn + steps, deal.steps)
        held = cutter.take(self._begin(last) - begin)
        extra = cutter.peek() if last < deal.steps else None
        turns = np.minimum(turn + np.arange(steps), deal.steps - 1)[:, None]
        sizes = deal.small + (turns < deal.larger)
        places = np.arange(self._width)
        index = (
            turns * deal.small + np.minimum(turns, deal.larger) + np.minimum(places, deal.batch - 1) - begin
        )
        index = np.minimum(index, deal.rows - 1 - begin)
        real = (places < sizes) & (turn + np.arange(steps)[:, None] < deal.steps)
        rows = held.rows if extra is None else joined([held, extra]).rows
        weights = np.ones(len(rows), rows.x.dtype) if rows.weights is None else rows.weights
        context = None if rows.context is None else rows.context[index]
        return Rows(rows.x[index], context, np.where(real, weights[index], 0).astype(rows.x.dtype))


def _in_memory(split: Split, key: PRNGKeyArray) -> Callable[[int, int], Iterator[Numbered]]:
    """Return what gives the rows of arrays in the order of an epoch, the same as on one device."""
    seed, count, training = words(key), len(split.training), split.training

    def ordered(epoch: int, start: int) -> Iterator[Numbered]:
        order = shuffled(count, seed, epoch)
        for low in range(start, count, _CHUNK_ROWS):
            places = order[low : low + _CHUNK_ROWS]
            yield Numbered(jax.tree.map(lambda leaf: leaf[places], training), split.index[places])  # noqa: B023

    return ordered
