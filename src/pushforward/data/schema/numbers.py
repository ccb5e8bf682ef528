"""The column that numbers or times make: its kind, its support, its grid."""

import dataclasses
from typing import Any

import numpy as np

from ...errors import ConfigError
from .checks import MOST_CATEGORIES, MOST_MASSES
from .column import Column, Kind
from .grid import Grid, find_decimals, find_grid, find_masses, find_origin
from .override import Override
from .rules import (
    find_circle,
    find_ends,
    fitting_circle,
    has_few_levels,
    is_count,
    is_heavy_tailed,
    is_identifier,
    is_positive,
)
from .types import group_of, units_per_day
from .values import less_origin

_EXAMPLES = 3
_LARGEST_CODE = 2**53
_EASY = {"identifier", "constant", "categorical"}


@dataclasses.dataclass(frozen=True)
class Numbers:
    """The numbers of one column without the missing ones, and the rows they stand in, counted from 1."""

    name: str
    type: str
    values: np.ndarray
    rows: np.ndarray

    def wrong(self, chosen: Override, expected: str, bad: np.ndarray) -> ConfigError:
        """Return the error that says which values do not go with the kind that a user chose."""
        places = np.flatnonzero(bad)
        shown = ", ".join(f"row {self.rows[place]}: {self.values[place]}" for place in places[:_EXAMPLES])
        return ConfigError(
            f"Column {self.name!r}: expected {expected} for {chosen.text}, got {len(places)} of "
            f"{len(self.values)} values that are not ({shown})."
        )


def number_column(numbers: Numbers, chosen: Override | None) -> Column:
    """Return the column that some numbers make, of the kind that a user chose or that the rules find.

    Args:
        numbers: finite values, at least one: int64, float32 or float64.
        chosen: the user's choice, or None.

    Raises:
        ConfigError: if the values do not go with the user's choice.
    """
    kind, values = chosen and chosen.kind, numbers.values
    levels, counts = np.unique(values, return_counts=True)
    if kind == "datetime" and chosen:
        raise ConfigError(f"Column {numbers.name!r}: expected dates or times for {chosen.text}, got numbers.")
    if kind in _EASY or (kind is None and len(levels) == 1):
        return _easy_column(numbers, kind or "constant", chosen, levels)
    decimals = 0 if group_of(numbers.type) == "integer" else find_decimals(levels)
    if kind is None and decimals == 0 and is_identifier(numbers.name, values):
        return Column(numbers.name, "identifier", numbers.type)
    if kind is None and has_few_levels(counts):
        return _easy_column(numbers, "categorical", None, levels)
    if group_of(numbers.type) == "integer" and values.dtype.kind == "f":
        return Column(numbers.name, "identifier", numbers.type)
    if values.dtype.kind == "i" and _reach(levels, _origin_of(values)) > _LARGEST_CODE:
        return Column(numbers.name, "identifier", numbers.type)
    return _Scale(numbers, chosen, decimals).column()


def _easy_column(numbers: Numbers, kind: Kind, chosen: Override | None, levels: np.ndarray) -> Column:
    if kind == "categorical":
        if len(levels) > MOST_CATEGORIES:
            raise ConfigError(
                f"Column {numbers.name!r}: expected at most {MOST_CATEGORIES} different values for "
                f"categorical, got {len(levels)}."
            )
        return Column(numbers.name, kind, numbers.type, categories=tuple(map(_plain, levels)), ordered=True)
    if kind == "constant" and len(levels) > 1 and chosen:
        raise numbers.wrong(chosen, "one value", numbers.values != numbers.values[0])
    return Column(
        numbers.name, kind, numbers.type, constant=_plain(levels[0]) if kind == "constant" else None
    )


def _plain(value: Any) -> int | float:
    return value.item()


def _origin_of(values: np.ndarray) -> float:
    """Return the origin; whole numbers beyond those that float64 tells apart need one in any case."""
    origin = find_origin(values.astype(np.float64))
    if values.dtype.kind == "i" and _reach(values, origin) > _LARGEST_CODE:
        return float(np.rint(np.median(values.astype(np.float64))))
    return origin


def _reach(values: np.ndarray, origin: float) -> float:
    return float(np.abs(values.astype(np.float64) - origin).max())


class _Scale:
    """The numbers of a column that is not of levels, on their way to a kind."""

    def __init__(self, numbers: Numbers, chosen: Override | None, decimals: int | None) -> None:
        self.numbers, self.chosen, self.decimals = numbers, chosen, decimals
        self.values = numbers.values.astype(np.float64)
        self.whole = decimals == 0
        self.origin = _origin_of(numbers.values)
        codes = less_origin(numbers.values, self.origin)
        self.least = float(codes.min())
        self.grid = find_grid(codes, decimals) if codes.min() < codes.max() else None
        self.masses = () if self.grid else find_masses(codes)

    def column(self) -> Column:
        kind, low, high, period = self._chosen() if self.chosen else self._found()
        if kind in ("integer", "count"):
            self.grid, self.masses = Grid(self.grid.step if self.grid else 1.0, self.least), ()
        masses = [mass for mass, _ in sorted(self.masses, key=lambda item: -item[1])[:MOST_MASSES]]
        shift = self.origin if (low, high) != (None, None) else 0.0
        if shift:  # the ends are round numbers, and no origin is to make them others
            masses = [mass + shift for mass in masses]
            self.grid = self.grid and Grid(self.grid.step, self.grid.start + shift)
        if self.grid is None:
            masses += [
                end for end in (low, high) if end is not None and end in self.values and period is None
            ]
        elif period is None:
            low, high = self._level(low, np.ceil), self._level(high, np.floor)
        return Column(
            self.numbers.name,
            kind,
            self.numbers.type,
            origin=self.origin - shift,
            low=low,
            high=high,
            step=self.grid.step if self.grid else None,
            start=self.grid.start if self.grid else None,
            masses=tuple(sorted(set(masses))),
            period=period,
            decimals=self.decimals,
        )

    def _level(self, end: float | None, to: Any) -> float | None:
        """Return the last point of the grid before an end of the support."""
        if end is None or self.grid is None:
            return end
        places = (end - self.grid.start) / self.grid.step
        nearest = np.rint(places)
        places = nearest if abs(places - nearest) < 1e-6 else to(places)
        level = self.grid.start + self.grid.step * places
        return float(level if self.decimals is None else np.round(level, self.decimals))

    def _found(self) -> tuple[Kind, float | None, float | None, float | None]:
        name, values = self.numbers.name, self.values
        circle = find_circle(name, values)
        if circle:
            return "angle", circle[1], None, circle[0]
        if self.whole and self.grid:
            return ("count", 0.0, None, None) if is_count(values) else ("integer", None, None, None)
        ends = None if self.whole else find_ends(name, values)
        if ends:
            return *ends, None
        if is_positive(values, zeros_apart=self.grid is not None or -self.origin in dict(self.masses)):
            return "positive", 0.0, None, None
        rest = values[~np.isin(values - self.origin, [mass for mass, _ in self.masses])]
        heavy = len(rest) and is_heavy_tailed(rest)
        return ("heavy-tailed" if heavy else "real"), None, None, None

    def _chosen(self) -> tuple[Kind, float | None, float | None, float | None]:
        chosen, values = self.chosen, self.values
        if chosen is None:
            return self._found()
        if chosen.kind == "angle":
            circle: tuple[float, ...] = chosen.numbers or fitting_circle(values) or ()
            if not circle:
                raise ConfigError(
                    f"Column {self.numbers.name!r}: expected the period of the angle, as in angle(360), because "
                    f"the values fill no usual circle, got {chosen.text!r}."
                )
            period, *low = circle
            return "angle", (low[0] if low else 0.0), None, period
        if chosen.kind in ("integer", "count"):
            self._demand("whole numbers", values == np.rint(values))
        if chosen.kind in ("count", "positive"):
            self._demand("no negative numbers", values >= 0)
            return chosen.kind, 0.0, None, None
        if chosen.kind in ("interval", "proportion"):
            low, high = chosen.numbers or (0.0, 1.0)
            self._demand(f"numbers from {low:g} to {high:g}", (values >= low) & (values <= high))
            return chosen.kind, low, high, None
        return chosen.kind, None, None, None

    def _demand(self, expected: str, holds: np.ndarray) -> None:
        if self.chosen and not np.all(holds):
            raise self.numbers.wrong(self.chosen, expected, ~holds)


def time_column(numbers: Numbers, chosen: Override | None) -> Column:
    """Return the column that dates or timestamps make; its values are in units of its type.

    Raises:
        ConfigError: if the values do not go with the user's choice.
    """
    levels = np.unique(numbers.values)
    kind = chosen.kind if chosen else ("datetime" if len(levels) > 1 else "constant")
    if chosen and kind not in (*_EASY, "datetime"):
        raise ConfigError(
            f"Column {numbers.name!r}: expected numbers for {chosen.text}, got dates or times. They can be "
            "datetime, categorical or identifier."
        )
    if kind in _EASY:
        return _easy_column(numbers, kind, chosen, levels)
    unit = units_per_day(numbers.type)
    parts = [unit, unit // 24, unit // 1440, unit // 86_400, unit // 86_400_000, unit // 86_400_000_000]
    common = int(np.gcd.reduce(numbers.values))
    multiple = next((part for part in parts if part and common % part == 0), 1)
    days = numbers.values.astype(np.float64) / unit
    origin = float(np.rint(find_origin(days)))
    codes = (numbers.values - int(origin) * unit).astype(np.float64) / unit
    gaps = np.diff(levels)
    step = multiple if len(codes) < 1_000 or not len(gaps) else int(np.gcd.reduce(gaps))
    grid = _time_grid(codes, step / unit) if len(levels) > 1 else None
    return Column(
        numbers.name,
        "datetime",
        numbers.type,
        origin=origin,
        step=grid.step if grid else None,
        start=grid.start if grid else None,
        masses=() if grid else tuple(value for value, _ in find_masses(codes))[:MOST_MASSES],
        multiple=multiple,
    )


def _time_grid(codes: np.ndarray, step: float) -> Grid | None:
    """Return the grid of this step if it matters, by the rule for numbers."""
    grid = find_grid(np.rint((codes - codes.min()) / step), 0)
    return Grid(step, float(codes.min())) if grid else None
