"""Which columns of a table have a density, and what becomes of those that have none."""

import dataclasses

import numpy as np

from ..data.table import Table
from ..data.ties import ColumnTies, find_ties
from ..errors import ConfigError

_SAME = 2 * float(np.finfo(np.float32).eps)
"""Values alike to this share of their size are one value: it may have gone through float32."""


@dataclasses.dataclass(frozen=True)
class Columns:
    """How rows of a table become rows that a density can be fitted to, and back.

    A constant column and a column equal to an earlier one have no density of their own: given the others, all their
    probability is on one value. They are left out, their probability is 1 where they hold that value and 0
    elsewhere, and `restore` puts them back.

    A rounded column (whole numbers, or values that repeat) has a density before it was rounded: `blur` spreads its
    values over the cells that rounding made one value of, and `restore` rounds again. Values are never invented
    outside of the range that was seen.

    Attributes:
        kept: places of the columns that are modelled, shape (k,).
        source: for each column the place of the modelled one that it equals, itself where it is modelled, -1 where it
            is constant; shape (n,).
        constants: the value of each constant column, NaN for the others; shape (n,).
        widths: width of the cells of each modelled column, 0 where it is not rounded; shape (k,).
        steps: the values of a column lie on `tops + steps * integer`; 0 if they lie on no grid; shape (k,).
        tops: the most frequent value of each modelled column.
        masses: single values of a column that is not rounded elsewhere, for each modelled column.
        least: smallest value of each modelled column.
        most: largest value of each modelled column.
    """

    kept: np.ndarray
    source: np.ndarray
    constants: np.ndarray
    widths: np.ndarray
    steps: np.ndarray
    tops: np.ndarray
    masses: tuple[tuple[float, ...], ...]
    least: np.ndarray
    most: np.ndarray

    @classmethod
    def learn(cls, who: str, rows: np.ndarray) -> "Columns":
        """Look at training rows.

        Args:
            who: the estimator, for messages.
            rows: shape (m, n), finite, in float64.

        Raises:
            ConfigError: if every column is constant.
        """
        source = _sources(rows)
        kept = np.flatnonzero(source == np.arange(len(source)))
        if not len(kept):
            raise ConfigError(
                f"{who}: expected a column that varies, got {rows.shape[1]} constant ones in {len(rows)} rows: "
                "they have no density."
            )
        modelled = rows[:, kept]
        ties = find_ties(Table(tuple(map(str, kept)), modelled))
        whole = (modelled == np.round(modelled)).all(axis=0)
        cells = [_cells(report, is_whole) for report, is_whole in zip(ties, whole, strict=True)]
        return cls(
            kept=kept,
            source=source,
            constants=np.where(source < 0, rows[0], np.nan),
            widths=np.array([width for width, _ in cells]),
            steps=np.array([step for _, step in cells]),
            tops=np.array([report.top_value for report in ties]),
            masses=tuple(tuple(value for value, _ in report.masses) for report in ties),
            least=modelled.min(axis=0),
            most=modelled.max(axis=0),
        )

    def reduce(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the modelled columns, shape (m, k), and which rows are possible: the left-out columns agree."""
        expected = np.where(self.source < 0, self.constants, rows[:, np.maximum(self.source, 0)])
        agree = np.abs(rows - expected) <= _SAME * np.abs(expected)
        return np.ascontiguousarray(rows[:, self.kept], np.float64), np.all(agree, axis=1)

    def blur(self, rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Spread modelled columns over their cells, uniformly; of a column with masses only the masses."""
        noise = random.uniform(-0.5, 0.5, rows.shape) * self.widths
        for place, masses in enumerate(self.masses):
            if masses:
                noise[~np.isin(rows[:, place], masses), place] = 0
        return rows + noise

    def restore(self, rows: np.ndarray) -> np.ndarray:
        """Return all columns for modelled ones, shape (m, n): rounded, and the left-out ones put back."""
        return self.widen(
            np.stack([self._rounded(place, column) for place, column in enumerate(rows.T)], axis=1)
        )

    def widen(self, rows: np.ndarray) -> np.ndarray:
        """Return all columns for modelled ones, shape (m, n), as they are."""
        whole = np.empty((len(rows), len(self.source)))
        whole[:, self.kept] = rows
        left_out = np.setdiff1d(np.arange(len(self.source)), self.kept)
        for place in left_out:
            twin = self.source[place]
            whole[:, place] = self.constants[place] if twin < 0 else whole[:, twin]
        return whole

    def _rounded(self, place: int, column: np.ndarray) -> np.ndarray:
        width, step, top = self.widths[place], self.steps[place], self.tops[place]
        if step:
            nearest = top + np.round((column - top) / step) * step
            return np.clip(nearest, self.least[place], self.most[place])
        for value in self.masses[place]:
            column = np.where(np.abs(column - value) <= width / 2, value, column)
        return column


def _sources(rows: np.ndarray) -> np.ndarray:
    """Return for each column the first equal one, or -1 if it is constant."""
    seen: dict[bytes, int] = {}
    first = [
        seen.setdefault(np.ascontiguousarray(column).tobytes(), place) for place, column in enumerate(rows.T)
    ]
    return np.where(np.ptp(rows, axis=0) == 0, -1, first)


def _cells(report: ColumnTies, is_whole: bool) -> tuple[float, float]:
    """Return the width of a column's cells and the step of its grid; 0 for none."""
    if report.kind == "discrete":
        return report.resolution, report.step or (1.0 if is_whole else 0.0)
    if is_whole:
        return 1.0, 1.0
    return (report.resolution, 0.0) if report.kind == "mass" else (0.0, 0.0)
