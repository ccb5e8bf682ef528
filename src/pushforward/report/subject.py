"""What a report is about: a model, rows of a table, and samples of as many."""

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.random as jr
import numpy as np

from ..data import scan_table
from ..data.evenly import read_evenly
from ..data.schema import Schema
from ..diagnostics import draws, log_probs
from ..errors import BadTable
from ..io import describe
from ..tables import FrameModel, load_frame

if TYPE_CHECKING:
    from ..data.arrow import ArrowTable

ROWS = 20_000
"""Rows of a table that are looked at, at most."""

_LEAST = 20


@dataclasses.dataclass(frozen=True)
class Rows:
    """Some rows of a table, evenly spaced.

    Attributes:
        table: the columns that the model knows, and identifiers that are there.
        places: the number of each row in the whole table, from 1.
        total: rows of the whole table.
        left_out: rows among those looked at that hold a missing or infinite value where the model has none.
        codes: of the columns whose law it is, shape (n, columns).
        given: of the columns that are given, or None.
        inside: where each row's value is one that the model can give a probability, shape (n, columns).
        name: of the file, or of the first of several.
    """

    table: "ArrowTable"
    places: np.ndarray
    total: int
    left_out: int
    codes: np.ndarray
    given: np.ndarray | None
    inside: np.ndarray
    name: str

    @property
    def possible(self) -> np.ndarray:
        """Which rows have only values that the model can give a probability."""
        return np.asarray(self.inside.all(axis=1))

    def some(self, places: np.ndarray) -> "tuple[np.ndarray, np.ndarray | None]":
        """Return the codes of rows, and of what is given."""
        return self.codes[places], None if self.given is None else self.given[places]


@dataclasses.dataclass(frozen=True)
class Subject:
    """Everything that the sections of a report speak of; what several of them need is computed once.

    Attributes:
        path: of the model file, as the user wrote it.
        model: what the file holds.
        about: what its header says; see `pushforward.io.describe`.
        rows: the rows to judge.
        training: the rows that it was fitted to, if the user names them.
        samples: how many samples are drawn.
        seed: where the random numbers start.
        tables, training_tables: paths of the tables, as the user wrote them.
    """

    path: str
    model: FrameModel
    about: Mapping[str, Any]
    rows: Rows
    training: Rows | None
    samples: int
    seed: int
    tables: Sequence[str] = ()
    training_tables: Sequence[str] = ()

    @functools.cached_property
    def log_prob(self) -> np.ndarray:
        """Log-probabilities of the rows; -inf where a value is impossible, shape (n,)."""
        return log_probs(self.model.flow, self.rows.codes, self.rows.given)

    @functools.cached_property
    def usual(self) -> np.ndarray:
        """Places of the rows that have a finite log-probability."""
        return np.flatnonzero(np.isfinite(self.log_prob) & self.rows.possible)

    @functools.cached_property
    def drawn(self) -> np.ndarray:
        """Codes of samples, as they come back from the table's own types, shape (samples, columns).

        A law that takes a context is asked for one sample for the context of each of that many rows.
        """
        key = self.key(1)
        if self.rows.given is None:
            codes = draws(self.model.flow, key, self.samples)
            return self.model.codes(self.model.table_of(codes))[0]
        places = np.arange(self.samples) * len(self.rows.codes) // self.samples
        given = self.rows.given[places]
        codes = draws(self.model.flow, key, self.samples, given)
        return self.model.codes(self.model.table_of(codes, given))[0]

    @functools.cached_property
    def halves(self) -> tuple[np.ndarray, np.ndarray]:
        """Two random halves of the places in `usual`."""
        order = np.random.default_rng(self.seed).permutation(self.usual)
        return np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])

    def key(self, number: int) -> jax.Array:
        """Return the random key of one part of the report."""
        return jr.fold_in(jr.key(self.seed), number)


def gather(
    model: str | os.PathLike[str],
    tables: Sequence[str | os.PathLike[str]],
    *,
    training: Sequence[str | os.PathLike[str]] = (),
    samples: int = 10_000,
    seed: int = 0,
    most: int = ROWS,
) -> Subject:
    """Read a model and the rows of a table.

    Args:
        model: a model file.
        tables: files and folders that make up the table.
        training: those of the table that the model was fitted to, if known.
        samples: how many samples to draw.
        seed: where the random numbers start.
        most: rows of a table that are looked at.

    Raises:
        BadModelFile: as `load_frame`.
        BadTable: if a table cannot be read, does not fit the model, or has fewer than 20 rows to look at.
    """
    loaded = load_frame(model)
    rows = read_rows(loaded, tables, most)
    known = read_rows(loaded, training, most) if training else None
    names = [str(path) for path in tables], [str(path) for path in training]
    return Subject(str(model), loaded, describe(Path(model)), rows, known, samples, seed, *names)


def read_rows(model: FrameModel, tables: Sequence[str | os.PathLike[str]], most: int) -> Rows:
    """Read rows of a table, evenly spaced, in memory that does not grow with it; see `gather`."""
    columns = scan_table(tables, typed=True).columns
    shown = [
        column.name
        for column in model.schema.columns
        if column.kind == "identifier" and column.name in columns
    ]
    files = scan_table(tables, [*(column.name for column in model.schema.modelled), *shown], typed=True)
    found = read_evenly(files, most)
    codes = model.all_codes(found.table)
    whole = _whole(model.schema, codes)
    if whole.sum() < _LEAST:
        raise BadTable(
            f"{files.name}: expected at least {_LEAST} rows without missing values, got {int(whole.sum())}."
        )
    own, given = model.parted(codes[whole])
    inside = model.parted(model.schema.inside(codes[whole]))[0]
    table, places = found.table.take(np.flatnonzero(whole)), found.places[whole] + 1
    return Rows(table, places, found.total, int((~whole).sum()), own, given, inside, files.name)


def _whole(schema: Schema, codes: np.ndarray) -> np.ndarray:
    """Return which rows have all the values that they must have."""
    absent = np.isnan(codes) & ~np.array([column.missing for column in schema.modelled])
    return np.asarray(~absent.any(axis=1))
