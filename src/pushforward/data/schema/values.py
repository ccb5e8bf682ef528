"""The values of one column to codes, and codes to values of the column's own type."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import BadTable
from ..typed import compute, plain, plain_type
from .types import arrow_type, group_of, units_per_day

if TYPE_CHECKING:
    import pyarrow as pa

    from .column import Column

OFF_GRID = 0.1
"""How far a code may be from a point of the grid, as a share of the step: rounded offsets move it so much."""

_NEAR = 0.25
"""How far off its point a code still counts as it, as a share of the step: so far laws let it be (`ValueCells`)."""

UNSEEN = -1.0
"""The code of a category that the schema does not have."""

_HELD = {"text": "text", "truth": "true and false", "integer": "numbers", "float": "numbers", "time": "times"}


def plain_column(name: str, column: Any) -> "pa.Array":
    """Return a column of an Arrow table in one piece and as its plain type.

    Raises:
        BadTable: if its type is not one of those that are read.
    """
    import pyarrow as pa

    if plain_type(column.type) is None:
        raise BadTable(
            f"Column {name!r}: expected numbers, text, truth values, dates or times, got type {column.type}."
        )
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # older versions of Arrow return one of at most one piece
        column = column.chunk(0) if column.num_chunks else pa.array([], column.type)
    return plain(column)


def numbers_of(column: "pa.Array") -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of a plain column that is not text, and where they are present.

    Returns:
        Whole numbers as int64 (also truth values, and times in units of their type; unsigned ones beyond as
        float64), float32 as float32, others as float64; and a mask, false where a value is missing or NaN. A
        missing value's number is 0.
    """
    import pyarrow as pa

    pc = compute()

    group = group_of(str(column.type))
    if group == "null":
        return np.zeros(len(column)), np.zeros(len(column), dtype=bool)
    present = np.asarray(column.is_valid())
    if group == "time":
        column = column.cast(pa.int32() if column.type == pa.date32() else pa.int64())
    if group == "truth":
        column = column.cast(pa.int8())
    if column.null_count and group != "float":
        column = pc.fill_null(column, pa.scalar(0).cast(column.type))
    numbers = column.to_numpy(zero_copy_only=False)
    if numbers.dtype == np.uint64 and numbers.max(initial=0) > np.iinfo(np.int64).max:
        numbers = numbers.astype(np.float64)
    if numbers.dtype.kind in "iu":
        numbers = numbers.astype(np.int64)
    if numbers.dtype.kind == "f":
        present = present & ~np.isnan(numbers)
        numbers = np.where(present, numbers, 0).astype(numbers.dtype)
    return numbers, present


def encode_column(column: "Column", values: "pa.Array") -> np.ndarray:
    """Return the codes of a plain column's values: shape (rows,), float64, NaN where missing.

    Raises:
        BadTable: if it holds text where the schema has numbers, or times where it has none.
    """
    own, came = group_of(column.type), group_of(str(values.type))
    if own == "text":
        return _encode_text(column, values)
    if came != "null" and ("text" in (own, came) or (own == "time") != (came == "time")):
        raise _other_type(column, values)
    numbers, present = numbers_of(values)
    if own == "time" and came == "time":
        if column.kind == "categorical":
            numbers = _in_units(numbers, str(values.type), column.type)
        else:
            numbers = _to_days(numbers, str(values.type), column.origin)
    elif column.kind != "categorical":
        numbers = less_origin(numbers, column.origin)
    if column.kind == "categorical":
        numbers = _places(numbers, column)
    return np.where(present, numbers.astype(np.float64), np.nan)


def decode_column(column: "Column", codes: np.ndarray) -> "pa.Array":
    """Return the values of codes, in the column's own type and its support; missing where a code is NaN.

    Codes on a grid go to its nearest point, numbers are rounded to the column's decimals, and what lies
    outside of the support or of the type's range goes to its nearest end. A place where there is no category
    becomes a missing value.
    """
    import pyarrow as pa

    kind = arrow_type(column.type)
    codes = np.asarray(codes, dtype=np.float64)
    if column.kind == "categorical":
        return _decode_categories(column, codes)
    missing = np.isnan(codes)
    codes = np.where(missing, column.start or 0.0, codes)
    group = group_of(column.type)
    if group == "float":
        values = _round_to_type(column, codes, kind.to_pandas_dtype())
        return pa.array(values, kind, mask=missing)
    wholes = _wholes(column, codes)
    if group == "time":
        raw = pa.int32() if kind == pa.date32() else pa.int64()
        return pa.array(wholes.astype(raw.to_pandas_dtype()), raw, mask=missing).cast(kind)
    return pa.array(wholes.astype(kind.to_pandas_dtype()), kind, mask=missing)


def support_of(column: "Column", codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where codes have no probability: outside of the column's ends or categories; between points of its grid.

    A rounded number between the points is one that is not yet rounded: it has the density of the cell that it lies in.
    """
    if column.kind == "categorical":
        return ~np.isin(codes, np.arange(len(column.categories))), np.zeros(codes.shape, dtype=bool)
    outside = np.zeros(codes.shape, dtype=bool)
    if column.period is None:
        slack = _NEAR * column.step if column.step else 0.0
        strict = column.step is None
        if column.low is not None:
            outside |= (codes <= column.low) if strict else (codes < column.low - slack)
        if column.high is not None:
            outside |= (codes >= column.high) if strict else (codes > column.high + slack)
        outside &= ~np.isin(codes, column.masses)
    between = np.zeros(codes.shape, dtype=bool)
    if column.step is not None and column.measure == "probability":
        between = (np.abs(codes - _grid_points(column, codes)) > _NEAR * column.step) & ~outside
    return outside, between


def less_origin(numbers: np.ndarray, origin: float) -> np.ndarray:
    """Return numbers less an origin as float64; whole numbers exactly where float64 holds the difference."""
    codes = numbers.astype(np.float64) - origin
    if numbers.dtype.kind == "i" and float(origin).is_integer() and abs(origin) < 2**63:
        exact = (numbers - np.int64(origin)).astype(np.float64)  # it may overflow where codes are large
        return np.where(np.abs(codes) < 2**62, exact, codes)
    return codes


def _encode_text(column: "Column", values: "pa.Array") -> np.ndarray:
    import pyarrow as pa

    pc = compute()

    if values.type != pa.string():
        values = values.cast(pa.string())
    if column.kind != "categorical":
        return np.full(len(values), np.nan)
    places = pc.index_in(values, value_set=pa.array(list(column.categories), pa.string()))
    return np.asarray(places.cast(pa.float64()).fill_null(UNSEEN))


def _places(numbers: np.ndarray, column: "Column") -> np.ndarray:
    """Return the places of numbers among the categories, which are ascending."""
    levels = np.array(column.categories)
    levels = levels.astype(
        np.int64 if levels.dtype.kind in "iub" and numbers.dtype.kind == "i" else np.float64
    )
    places = np.clip(np.searchsorted(levels, numbers), 0, len(levels) - 1)
    return np.where(levels[places] == numbers, places, UNSEEN)


def _decode_categories(column: "Column", codes: np.ndarray) -> "pa.Array":
    import pyarrow as pa

    kind, raw = arrow_type(column.type), arrow_type(column.type)
    if group_of(column.type) == "time":
        raw = pa.int32() if kind == pa.date32() else pa.int64()
    places = np.rint(np.where(np.isnan(codes), UNSEEN, codes))
    unknown = (places < 0) | (places >= len(column.categories))
    indices = pa.array(np.where(unknown, 0, places).astype(np.int64), mask=unknown)
    return pa.array(list(column.categories), raw).take(indices).cast(kind)


def _grid_points(column: "Column", codes: np.ndarray) -> np.ndarray:
    start, step = column.start or 0.0, column.step or 1.0
    places = np.rint((codes - start) / step)
    if column.low is not None:
        places = np.maximum(places, np.rint((column.low - start) / step))
    if column.high is not None:
        places = np.minimum(places, np.rint((column.high - start) / step))
    return start + step * places


def _settled(column: "Column", codes: np.ndarray) -> np.ndarray:
    """Return codes moved to the grid and, for angles, round the circle.

    A code within a tenth of a step of its point stays: that is how values lie on a grid that an offset was
    taken off, and what makes decoding the inverse of encoding.
    """
    if column.step is not None:
        points = _grid_points(column, codes)
        codes = np.where(np.abs(codes - points) <= OFF_GRID * column.step, codes, points)
    if column.period is not None:
        low = column.low or 0.0
        around = low + np.mod(codes - low, column.period)
        codes = np.where((codes < low) | (codes > low + column.period), around, codes)
    return codes


def _ends(column: "Column", unit: float | None, dtype: type) -> tuple[Any, Any]:
    """Return the least and greatest value of the support, as numbers of a floating type."""
    lows, highs = dtype(-np.inf), dtype(np.inf)
    if column.period is not None:
        return lows, highs
    closed = column.step is not None
    if column.low is not None:
        low = dtype(column.low + column.origin)
        inner = low if closed or column.low in column.masses else np.nextafter(low, highs)
        lows = inner if unit is None or inner == low else dtype(low + unit)
    if column.high is not None:
        high = dtype(column.high + column.origin)
        inner = high if closed or column.high in column.masses else np.nextafter(high, -dtype(np.inf))
        highs = inner if unit is None or inner == high else dtype(high - unit)
    return lows, highs


def _round_to_type(column: "Column", codes: np.ndarray, dtype: Any) -> np.ndarray:
    values = _settled(column, codes) + column.origin
    if column.decimals is not None:
        values = np.round(values, column.decimals) + 0.0  # which turns -0.0 into 0.0
    limit = np.finfo(dtype).max
    values = np.clip(values, -float(limit), float(limit)).astype(dtype)
    unit = None if column.decimals is None else 10.0**-column.decimals
    return np.clip(values, *_ends(column, unit, dtype)).astype(dtype)


def _wholes(column: "Column", codes: np.ndarray) -> np.ndarray:
    """Return the whole numbers of codes: values of an integer type, or units of a type of times."""
    codes, unit = _settled(column, codes), 1
    if group_of(column.type) == "time":
        unit = units_per_day(column.type)
        least, most = (-(2**31), 2**31 - 1) if column.type.startswith("date32") else (-(2**63), 2**63 - 1)
    else:
        limits = np.iinfo(arrow_type(column.type).to_pandas_dtype())
        least, most = int(limits.min), int(limits.max)
        low, high = _ends(column, 1.0, np.float64)
        least = least if np.isinf(low) else max(least, int(np.ceil(low)))
        most = most if np.isinf(high) else min(most, int(np.floor(high)))
    origin = round(column.origin * unit)
    scaled = np.rint(np.clip(codes * unit, float(least - origin), float(most - origin)))
    multiple = column.multiple
    # Whole numbers of Python do not overflow; only codes at the very ends of 64 bits need them.
    if max(abs(least), abs(most)) < 2**62 or np.abs(scaled).max(initial=0.0) + abs(origin) < 2**62:
        wholes = scaled.astype(np.int64) + origin
        return np.clip(wholes if multiple == 1 else _to_multiples(wholes, multiple), least, most)
    exact = [min(max(int(number) + origin, least), most) for number in scaled]
    return np.array(exact, dtype=np.uint64 if most > 2**63 else np.int64)


def _to_multiples(wholes: np.ndarray, multiple: int) -> np.ndarray:
    return (wholes + multiple // 2) // multiple * multiple


def _in_units(numbers: np.ndarray, came: str, wanted: str) -> np.ndarray:
    """Return times in units of another type, NaN-free: those between its units become a time not to be found."""
    have, want = units_per_day(came), units_per_day(wanted)
    if want >= have:
        return numbers * (want // have)
    factor = have // want
    return np.where(numbers % factor == 0, numbers // factor, np.iinfo(np.int64).min)


def _to_days(numbers: np.ndarray, kind: str, origin: float) -> np.ndarray:
    unit = units_per_day(kind)
    return (numbers - round(origin) * unit).astype(np.float64) / unit


def _other_type(column: "Column", values: "pa.Array") -> BadTable:
    own, came = group_of(column.type), group_of(str(values.type))
    shown = ", ".join(
        f"row {row + 1}: {str(value)[:40]!r}"
        for row, value in enumerate(values[:3].to_pylist())
        if value is not None
    )
    return BadTable(
        f"Column {column.name!r}: expected {_HELD[own or 'float']} (kind {column.kind}, type {column.type}), "
        f"got {_HELD[came or 'float']}" + (f" ({shown})." if shown else ".")
    )
