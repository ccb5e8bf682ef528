"""Rows that come in pieces of one length and are taken in others."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from ..errors import ConfigError
from .rows import Rows


class Numbered(NamedTuple):
    """Some rows on the host, and their numbers among the caller's rows, counted from 0."""

    rows: Rows
    numbers: np.ndarray

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.numbers)

    def at(self, places: Any) -> "Numbered":
        """Return the rows at some places."""
        return Numbered(jax.tree.map(lambda leaf: leaf[places], self.rows), self.numbers[places])


def joined(pieces: list[Numbered]) -> Numbered:
    """Return pieces, at least one, as one."""
    if len(pieces) == 1:
        return pieces[0]
    rows = jax.tree.map(lambda *leaves: np.concatenate(leaves), *(piece.rows for piece in pieces))
    return Numbered(rows, np.concatenate([piece.numbers for piece in pieces]))


class Cutter:
    """Takes rows from pieces of any length.

    Args:
        pieces: rows; nobody else may use the iterator.
    """

    def __init__(self, pieces: Iterator[Numbered]) -> None:
        self._pieces = pieces
        self._rest: list[Numbered] = []

    def peek(self) -> Numbered:
        """Return the next row, which stays.

        Raises:
            ConfigError: if there is none.
        """
        if self.is_empty():
            raise _too_few()
        return joined(self._rest).at(slice(0, 1))

    def take(self, count: int) -> Numbered:
        """Return the next `count` rows, at least one.

        Raises:
            ConfigError: if there are fewer.
        """
        while sum(piece.count for piece in self._rest) < count:
            piece = next(self._pieces, None)
            if piece is None:
                raise _too_few()
            self._rest.append(piece)
        found = joined(self._rest)
        self._rest = [found.at(slice(count, None))] if found.count > count else []
        return found.at(slice(0, count))

    def is_empty(self) -> bool:
        """Whether all rows were taken."""
        while not any(piece.count for piece in self._rest):
            piece = next(self._pieces, None)
            if piece is None:
                return True
            self._rest.append(piece)
        return False


def _too_few() -> ConfigError:
    return ConfigError("fit: the source gave other rows than its sizes say. Did its files change?")
