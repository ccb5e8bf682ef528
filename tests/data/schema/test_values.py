import datetime

import numpy as np
import pyarrow as pa
import pytest

from pushforward.data.schema.column import Column
from pushforward.data.schema.values import decode_column, encode_column, numbers_of, plain_column, support_of
from pushforward.errors import BadTable

NAN, INF = np.nan, np.inf
COUNT = Column("a", "count", "int8", low=0.0, step=1.0, start=3.0, decimals=0)
ROUNDED = Column("a", "real", "double", step=0.1, start=0.3, decimals=1)
OFFSET = Column("a", "real", "double", step=1.0, start=-0.4999, decimals=5)
POSITIVE = Column("a", "positive", "double", low=0.0)
PRICE = Column("a", "positive", "int64", low=0.0, decimals=0)
GAIN = Column("a", "positive", "int64", low=0.0, decimals=0, masses=(0.0,))
CENTS = Column("a", "interval", "double", low=0.0, high=1.0, decimals=2)
HEADING = Column("a", "angle", "double", low=-180.0, period=360.0)
TEXT = Column("a", "categorical", "string", categories=("a", "b", None))
LEVELS = Column("a", "categorical", "int64", categories=(1, 5), ordered=True)
TRUTH = Column("a", "categorical", "bool", categories=(False, True))
DAY = Column("a", "datetime", "date32[day]", origin=18_000.0, step=1.0, start=0.0)
TIME = Column("a", "datetime", "timestamp[us, tz=UTC]", origin=18_000.0, multiple=10**6)


@pytest.mark.parametrize(
    ("column", "codes", "values"),
    [
        (COUNT, [3, 3.4, -7, 1e300, 126.6, NAN], [3, 3, 0, 127, 127, None]),
        (ROUNDED, [0.1 + 0.2, 0.34, 0.36, -0.06], [0.3, 0.3, 0.4, -0.1]),
        (OFFSET, [-0.49744, 0.5, 0.5001, 3.1], [-0.49744, 0.5, 0.5001, 3.5001]),
        (POSITIVE, [0.5, 0, -3, 1e400], [0.5, 5e-324, 5e-324, np.finfo(float).max]),
        (PRICE, [0.4, 2.5, 3.5, -1, 1e30], [1, 2, 4, 1, 2**63 - 1]),
        (GAIN, [0, 0.4, 0.6, -1], [0, 0, 1, 0]),
        (CENTS, [0.001, 0.5, 0.999, 1.0, -1.0], [0.01, 0.5, 0.99, 0.99, 0.01]),
        (HEADING, [-180, 180, 190, 540.5, -200], [-180, 180, -170, -179.5, 160]),
        (TEXT, [0, 1.2, 2, -1, 3, NAN], ["a", "b", None, None, None, None]),
        (LEVELS, [0, 1, NAN], [1, 5, None]),
        (TRUTH, [0, 1, NAN], [False, True, None]),
        (DAY, [0, 0.6, NAN], [datetime.date(2019, 4, 14), datetime.date(2019, 4, 15), None]),
    ],
    ids=lambda value: value.kind if isinstance(value, Column) else "",
)
def test_codes_become_values_of_the_support(column, codes, values):
    decoded = decode_column(column, np.array(codes, np.float64))
    assert str(decoded.type) == column.type
    assert decoded.to_pylist() == values


def test_short_floats_stay_inside_their_support():
    column = Column("a", "interval", "float", low=0.1, high=0.7)
    values = decode_column(column, np.array([0.1, 0.7, -9, 9])).to_numpy()
    assert values.dtype == np.float32
    assert (values > 0.1).all()
    assert (values < 0.7).all()


def test_times_come_back_in_their_own_units_and_multiples():
    second = 18_000 * 86_400 + 3_661
    values = pa.array([second * 10**6, None], pa.timestamp("us", "UTC"))
    codes = encode_column(TIME, values)
    assert codes[0] == 3_661 / 86_400
    assert np.isnan(codes[1])
    assert decode_column(TIME, codes).equals(values)
    assert decode_column(TIME, codes + 0.4 / 86_400).equals(values)
    nanoseconds = values.cast(pa.timestamp("ns", "Asia/Tokyo"))
    assert encode_column(TIME, nanoseconds)[0] == codes[0]
    assert encode_column(TIME, pa.array([18_001], pa.int32()).cast(pa.date32())).tolist() == [1.0]


@pytest.mark.parametrize(
    ("column", "values", "codes"),
    [
        (COUNT, pa.array([3.0, 2.5, None, NAN]), [3, 2.5, NAN, NAN]),
        (COUNT, pa.array([True, False]), [1, 0]),
        (COUNT, pa.nulls(1), [NAN]),
        (LEVELS, pa.array([5.0, 1.0, 2.0, None]), [1, 0, -1, NAN]),
        (LEVELS, pa.array([5, 1, 2, 9]), [1, 0, -1, -1]),
        (TRUTH, pa.array([1, 0, 2]), [1, 0, -1]),
        (TEXT, pa.array(["b", None, "z"]), [1, 2, -1]),
        (TEXT, pa.array(["b", "a"]).dictionary_encode().dictionary_decode(), [1, 0]),
        (TEXT, pa.nulls(1), [2]),
        (Column("a", "categorical", "string", categories=("1", "x")), pa.array([1, 2]), [0, -1]),
        (Column("a", "categorical", "string", categories=("x",)), pa.array(["x", None]), [0, -1]),
        (
            Column("a", "categorical", "timestamp[s]", categories=(5, 60), ordered=True),
            pa.array([5_000, 5_001, 60_000], pa.timestamp("ms")),
            [0, -1, 1],
        ),
        (
            Column("a", "categorical", "timestamp[ms]", categories=(5_000,), ordered=True),
            pa.array([5, 6, None], pa.timestamp("s")),
            [0, -1, NAN],
        ),
    ],
)
def test_values_of_other_types_that_convert_exactly(column, values, codes):
    np.testing.assert_array_equal(encode_column(column, values), codes)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        (
            COUNT,
            pa.array(["x", None, "y"]),
            "numbers (kind count, type int8), got text (row 1: 'x', row 3: 'y').",
        ),
        (
            COUNT,
            pa.array([1], pa.timestamp("s")),
            "numbers (kind count, type int8), got times (row 1: '1970-01-01 00:00:01').",
        ),
        (DAY, pa.array([1]), "times (kind datetime, type date32[day]), got numbers (row 1: '1')."),
        (
            TRUTH,
            pa.array(["true"]),
            "true and false (kind categorical, type bool), got text (row 1: 'true').",
        ),
    ],
)
def test_values_that_do_not_convert(column, values, message):
    with pytest.raises(BadTable) as caught:
        encode_column(column, values)
    assert str(caught.value) == f"Column 'a': expected {message}"


def test_columns_of_types_that_are_not_read():
    with pytest.raises(BadTable) as caught:
        plain_column("a", pa.chunked_array([[[1]]]))
    assert str(caught.value) == (
        "Column 'a': expected numbers, text, truth values, dates or times, got type list<item: int64>."
    )
    assert plain_column("a", pa.chunked_array([], pa.decimal128(5, 2))).type == pa.float64()


@pytest.mark.parametrize(
    ("column", "codes", "outside", "between"),
    [
        (COUNT, [0, -1, 0.5, 127], [0, 1, 0, 0], [0, 0, 1, 0]),
        (COUNT, [-0.2, -0.3, 4.2, 4.3], [0, 1, 0, 0], [0, 0, 0, 1]),
        (ROUNDED, [0.3, 0.305, 0.35], [0, 0, 0], [0, 0, 0]),
        (POSITIVE, [0, 1e-300, -1], [1, 0, 1], [0, 0, 0]),
        (GAIN, [0, 1, -1], [0, 0, 1], [0, 0, 0]),
        (CENTS, [0, 0.5, 1], [1, 0, 1], [0, 0, 0]),
        (HEADING, [1e3, -1e3], [0, 0], [0, 0]),
        (TEXT, [0, 2, 3, -1, 0.5], [0, 0, 1, 1, 1], [0, 0, 0, 0, 0]),
    ],
)
def test_support(column, codes, outside, between):
    found = support_of(column, np.array(codes, np.float64))
    assert [where.astype(int).tolist() for where in found] == [outside, between]


def test_numbers_keep_all_their_bits():
    large = pa.array([2**63 - 1, -(2**63), None])
    numbers, present = numbers_of(large)
    assert numbers.tolist() == [2**63 - 1, -(2**63), 0]
    assert present.tolist() == [True, True, False]
    origin = float(2**62)
    column = Column("a", "real", "int64", origin=origin, decimals=0)
    values = pa.array([2**62 + 1, 2**62 - 12345, 2**62 + 2**50 + 1])
    codes = encode_column(column, values)
    assert codes.tolist() == [1, -12345, 2**50 + 1]
    assert decode_column(column, codes).equals(values)
    assert decode_column(column, np.array([1e30, -1e30])).to_pylist() == [2**63 - 1, -(2**63)]
    unsigned = Column("a", "real", "uint64", origin=float(2**63), decimals=0)
    assert decode_column(unsigned, np.array([1.0, 1e30, -1e30])).to_pylist() == [2**63 + 1, 2**64 - 1, 0]
