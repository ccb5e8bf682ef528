"""Cells: what the columns of a table hold, as a flow must know it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ...errors import ConfigError

Kind = Literal["levels", "values", "angle"]
KINDS: tuple[Kind, ...] = ("levels", "values", "angle")

_MOST = 2**16


@dataclass(frozen=True)
class Cells:
    """How the codes of one column become coordinates.

    Attributes:
        kind: "levels", a few codes start, start + step, ...; "values", a number, on a grid or not; "angle", a number of
            which multiples of a period make no difference.
        count: how many levels.
        start: the first level; for values on a grid, a point of it.
        step: the distance of levels or of the points of a grid; None where values are continuous.
        low: where continuous values end below, or the least point of a grid; None for nowhere.
        high: the same above.
        scale: how near to its end a half-line is bent.
        masses: single values that have probabilities of their own.
        missing: whether a value may be missing, NaN, which then has a probability too.
        density: whether the probability of a grid's cell counts as a density, divided by the step.
        period: of an angle.
    """

    kind: Kind
    count: int = 0
    start: float = 0.0
    step: float | None = None
    low: float | None = None
    high: float | None = None
    scale: float = 1.0
    masses: tuple[float, ...] = ()
    missing: bool = False
    density: bool = True
    period: float = 1.0

    @property
    def classes(self) -> int:
        """How many classes of values there are: each mass, missing, and all else; 0 if there is nothing to tell."""
        special = len(self.masses) + self.missing
        return special + 1 if self.kind == "values" and special else 0

    @property
    def width(self) -> int:
        """How many coordinates the column has."""
        return 2 if self.kind == "angle" or self.classes else 1

    @property
    def noisy(self) -> bool:
        """Whether a code stands for more than one point of the coordinates."""
        return self.kind != "values" or self.step is not None or self.classes > 0

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return asdict(self)


def read_cells(who: str, columns: Sequence[Mapping[str, Any]]) -> tuple[Cells, ...]:
    """Return the cells that plain data describe.

    Args:
        who: whose argument they are.
        columns: one mapping for each column, with the fields of `Cells`; those left out have their defaults.

    Raises:
        ConfigError: if a field is unknown or makes no sense.
    """
    return tuple(_read(f"{who}: column {place + 1}", column) for place, column in enumerate(columns))


def _read(who: str, column: Mapping[str, Any]) -> Cells:
    try:
        cells = Cells(**{**column, "masses": tuple(column.get("masses", ()))})
    except TypeError as error:
        raise ConfigError(f"{who}: expected the fields of Cells, got {dict(column)!r}.") from error
    numbers = {
        "start": cells.start,
        "step": cells.step,
        "low": cells.low,
        "high": cells.high,
        "scale": cells.scale,
        "period": cells.period,
        **{f"mass {place + 1}": mass for place, mass in enumerate(cells.masses)},
    }
    wrong = [
        name for name, value in numbers.items() if not _is_number(value, none=name in ("step", "low", "high"))
    ]
    if wrong:
        raise ConfigError(f"{who}: expected a finite number as {wrong[0]}, got {numbers[wrong[0]]!r}.")
    for name, value in (("step", cells.step), ("scale", cells.scale), ("period", cells.period)):
        if value is not None and value <= 0:
            raise ConfigError(f"{who}: expected a positive {name}, got {value!r}.")
    if cells.kind not in KINDS:
        raise ConfigError(f"{who}: expected levels, values or angle as kind, got {cells.kind!r}.")
    if cells.kind == "levels" and (type(cells.count) is not int or not 1 <= cells.count <= _MOST):
        raise ConfigError(f"{who}: expected from 1 to {_MOST} levels, got {cells.count!r}.")
    if cells.low is not None and cells.high is not None and not cells.low < cells.high:
        raise ConfigError(f"{who}: expected low below high, got {cells.low!r} and {cells.high!r}.")
    return cells


def _is_number(value: Any, *, none: bool) -> bool:
    if value is None:
        return none
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
