"""Column: what the values of one column are, and what their codes mean."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, get_args

from ...errors import ConfigError
from .checks import check_column

Kind = Literal[
    "real",
    "heavy-tailed",
    "positive",
    "interval",
    "proportion",
    "integer",
    "count",
    "categorical",
    "datetime",
    "angle",
    "constant",
    "identifier",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What a column can be."""

Measure = Literal["probability", "density"]
Value = str | bool | int | float | None


@dataclasses.dataclass(frozen=True)
class Column:
    """What the values of one column are, and what their codes mean.

    The code of a number is the number less `origin`; that of a date or time the days since the beginning of
    1970 (in UTC where it has a zone), fractions included, less `origin`; that of a category its place among
    the categories. NaN stands for a missing value.

    Attributes:
        name: the column's name.
        kind: one of `KINDS`.
        type: Arrow's type of the column, as text: "int64", "double", "timestamp[us, tz=UTC]".
        origin: what is taken off; 0 unless the values are large against their spread. Whole days for times.
        low, high: the ends of the support, in codes, or None. A continuous column lies strictly between them,
            its masses excepted; on a grid they are the least and the greatest level. For angles `low` is
            where the circle begins.
        step: the width of the grid that all values lie on, in codes, or None for a continuous column.
        start: one point of the grid, in codes.
        categories: the levels in order; numbers are ascending, text is in the order of its code points, None
            (missing text) comes last. Dates and times are whole numbers of their type's units.
        ordered: whether the categories are numbers, so that their order means something.
        masses: the codes of values that have a probability of their own in a continuous column, ascending.
        missing: whether missing values of a column that is not text are modelled.
        period: the length of the circle; angles only.
        decimals: how many decimals values are rounded to when written back, or None; 0 makes them whole.
        multiple: a number of the type's units that times are rounded to multiples of; 1 unless they are.
        constant: the value of a constant column.

    Raises:
        ConfigError: if the attributes contradict each other.
    """

    name: str
    kind: Kind
    type: str
    origin: float = 0.0
    low: float | None = None
    high: float | None = None
    step: float | None = None
    start: float | None = None
    categories: tuple[Value, ...] = ()
    ordered: bool = False
    masses: tuple[float, ...] = ()
    missing: bool = False
    period: float | None = None
    decimals: int | None = None
    multiple: int = 1
    constant: Value = None

    def __post_init__(self) -> None:
        check_column(self, KINDS)

    @property
    def modelled(self) -> bool:
        """Whether the column has codes: constants and identifiers have none."""
        return self.kind not in ("constant", "identifier")

    @property
    def lattice(self) -> bool:
        """Whether the codes are the points of a grid, or places of categories."""
        return self.step is not None or self.kind == "categorical"

    @property
    def measure(self) -> Measure:
        """What a likelihood of the column is: a probability, or a density.

        Categories, integers and counts have probabilities. Rounded numbers and dates have the probability of
        the cell around a value, over the cell's width: a density per unit, comparable to that of the numbers
        before they were rounded.
        """
        return "probability" if self.kind in ("categorical", "integer", "count") else "density"

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as JSON values, those at their defaults left out."""
        data = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.default is dataclasses.MISSING or value != field.default:
                data[field.name] = list(value) if isinstance(value, tuple) else value
        return data

    @staticmethod
    def from_json(data: Any) -> "Column":
        """Return the column that `to_json` wrote.

        Raises:
            ConfigError: if the data are anything else; every attribute is checked.
        """
        if not isinstance(data, Mapping):
            raise ConfigError(f"Column: expected an object of attributes, got {type(data).__name__}.")
        names = {field.name for field in dataclasses.fields(Column)}
        unknown = [key for key in data if key not in names]
        missing = [key for key in ("name", "kind", "type") if key not in data]
        if unknown or missing:
            what = f"unknown {str(unknown[0])[:40]!r}" if unknown else f"no {missing[0]!r}"
            raise ConfigError(
                f"Column {str(data.get('name'))[:40]!r}: {what}. Attributes: {', '.join(names_of())}."
            )
        lists = {key: tuple(data[key]) for key in ("categories", "masses") if isinstance(data.get(key), list)}
        return Column(**{**data, **lists})


def names_of() -> tuple[str, ...]:
    """Return the names of a column's attributes, as messages list them."""
    return tuple(field.name for field in dataclasses.fields(Column))
