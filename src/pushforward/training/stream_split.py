"""A source at the door of fit: checked, and divided into rows to train on and rows to validate on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ..distributions.base import Distribution
from ..errors import ConfigError, ShapeError
from .rows import Rows, check_rows, held_out_rows
from .settling import needed
from .stream_source import Block, Opener, RowSource, count_rows, digest_of, evenly_spaced, numbered, picked
from .streams import words

MOST_HELD_OUT = 100_000
"""The most validation rows that a share of a source holds out: they are kept in memory."""


@dataclass(frozen=True)
class StreamSplit:
    """What fit trains on and what it validates on, where the rows are a source.

    Attributes:
        source: the rows to train on, at least one.
        opened: checks a block of them.
        validation: the rows to validate on, None if there are none.
        training: some rows to train on, evenly spaced, if the flow stores statistics of them; or else none.
    """

    source: RowSource
    opened: Opener
    validation: Rows | None
    training: Rows

    @property
    def count(self) -> int:
        """How many rows there are to train on."""
        return count_rows(self.source)

    def fingerprint(self) -> str:
        """Return a hash of what the source says of itself, and of a sample of its rows."""
        return digest_of(self.source, self.opened)


def split_source(
    flow: Distribution, source: RowSource, context: Any, weights: Any, validation: Any, key: PRNGKeyArray
) -> StreamSplit:
    """Check a source against the flow and divide it.

    Args:
        flow: what is to be trained.
        source: the rows.
        context: None: a source's blocks hold their contexts themselves.
        weights: None: the rows of a source count alike.
        validation: rows of their own, as for arrays; or a share of the source's rows, of which at most
            `MOST_HELD_OUT` are held out, chosen by a hash of their numbers.
        key: decides which rows are held out.

    Raises:
        ConfigError: if there are weights, too few rows, or `validation` is neither a share nor rows.
        ShapeError: if a context is passed, or blocks or validation rows do not fit the flow.
        DomainError: if a value of the validation rows is not finite.
    """
    if context is not None:
        raise ShapeError("fit: expected no context beside a source, whose blocks are tuples (x, context).")
    if weights is not None:
        raise ConfigError("fit: expected no weights with a source: its rows count alike.")
    opened, held = opener(flow), None
    if isinstance(validation, Real) and not isinstance(validation, bool):
        if not 0 <= float(validation) < 1:
            raise ConfigError(
                f"fit: expected validation to be a fraction in [0, 1) or rows, got {validation}."
            )
        if validation:
            source, held = divide(source, opened, float(validation), words(key))
    else:
        held = Rows(*held_out_rows(flow, validation), None)
    if count_rows(source) < 1:
        raise ConfigError("fit: expected at least one row in the source to train on, got 0.")
    rows = needed(flow)
    sample = (
        evenly_spaced(source, opened, rows).rows
        if rows
        else Rows(np.zeros((0, *flow.event_shape)), None, None)
    )
    return StreamSplit(source, opened, held, sample)


def opener(flow: Distribution) -> Opener:
    """Return what checks the blocks of a source against a flow, also in another thread."""
    widest = np.dtype(jax.dtypes.canonicalize_dtype(np.float64))
    event_shape, context_shape = flow.event_shape, flow.context_shape

    def opened(block: Block) -> Rows:
        if isinstance(block, tuple) != (context_shape is not None):
            raise ShapeError(
                "fit: expected the source's blocks to be "
                + (
                    "x alone, as the flow takes no context."
                    if context_shape is None
                    else "tuples (x, context)."
                )
            )
        if not isinstance(block, tuple):
            return Rows(check_rows("a block of the source", block, event_shape, widest), None, None)
        x = check_rows("a block of the source", block[0], event_shape, widest)
        context = check_rows("the contexts of a block", block[1], context_shape or (), widest)
        if len(x) != len(context):
            raise ShapeError(
                f"fit: expected as many contexts as rows in a block, {len(x)}, got {len(context)}."
            )
        return Rows(x, context, None)

    return opened


def divide(
    source: RowSource, opened: Opener, share: float, seed: Sequence[int], most: int = MOST_HELD_OUT
) -> tuple[RowSource, Rows]:
    """Hold a share of a source's rows out: those whose numbers have a small hash.

    Args:
        source: the rows.
        opened: checks a block.
        share: of the rows; less where it would be more than `most` rows.
        seed: of the hash.
        most: about the most rows to hold out.

    Returns:
        The other rows, and those held out, at least one.

    Raises:
        ConfigError: if there are too few rows.
    """
    held_out = chosen(source, share, seed, most)
    remaining = Without(source, held_out)
    if not len(held_out) or not count_rows(remaining):
        raise ConfigError(
            f"fit: expected enough rows to train on some and validate on others, got {count_rows(source)} and a "
            f"share of {share}. Pass validation=0 to train on all rows."
        )
    return remaining, picked(source, opened, held_out).rows


def chosen(source: RowSource, share: float, seed: Sequence[int], most: int) -> np.ndarray:
    """Return, in ascending order, the numbers of a share of a source's rows: those with a small hash.

    Args:
        source: the rows.
        share: of the rows; less where it would be more than `most` rows.
        seed: of the hash.
        most: about the most rows to choose.
    """
    total, step = count_rows(source), 2**20
    share = min(share, most / max(total, 1))
    found = [np.zeros(0, np.int64)]
    for start in range(0, total, step):
        numbers = np.arange(start, min(start + step, total))
        found.append(numbers[_hashed(numbers, seed) < share])
    return np.concatenate(found)


class Without:
    """A source without some of its rows.

    Args:
        source: the source with them.
        numbers: which rows are left out, in ascending order.

    Attributes:
        sizes: rows of each group that remain.
        in_order: as of the source.
        buffer: as of the source.
    """

    def __init__(self, source: RowSource, numbers: np.ndarray) -> None:
        self._source, self._numbers = source, numbers
        sizes = np.asarray(source.sizes, np.int64)
        ends = np.cumsum(sizes)
        out = np.searchsorted(numbers, ends) - np.searchsorted(numbers, ends - sizes)
        self.sizes = tuple(int(size) for size in sizes - out)
        self.in_order, self.buffer = source.in_order, source.buffer

    def read(self, groups: Sequence[int]) -> Iterator[Block]:
        """Return the rows of some groups that remain; see `RowSource`."""
        for found in numbered(self._source, as_rows, groups):
            rows = found.at(~among(found.numbers, self._numbers)).rows
            yield rows.x if rows.context is None else (rows.x, rows.context)

    def describe(self) -> dict[str, Any]:
        """Return what tells these rows from others; see `RowSource`."""
        return {**self._source.describe(), "left_out": len(self._numbers)}


def among(values: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    """Tell which values are among some that ascend."""
    if not len(ascending):
        return np.zeros(len(values), bool)
    return ascending[np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)] == values


def as_rows(block: Block) -> Rows:
    """Return a block as it is, as rows on the host."""
    return Rows(*block, None) if isinstance(block, tuple) else Rows(block, None, None)


def _hashed(numbers: np.ndarray, seed: Sequence[int]) -> np.ndarray:
    """Return numbers in [0, 1) that look random and depend on seed and row number alone.

    Reference: Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators, doi:10.1145/2660193.2660195,
        figure 17: the mixing of SplitMix.
    """
    start = np.random.SeedSequence(list(seed)).generate_state(1, np.uint64)[0]
    z = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + start
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53
