import numpy as np
import pyarrow as pa
import pytest

from pushforward.data.schema.column import Column
from pushforward.data.schema.numbers import Numbers, number_column, time_column
from pushforward.data.schema.override import read_override
from pushforward.errors import ConfigError

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=2000)
GAMMA = RNG.gamma(0.5, size=2000)


def column(values, kind=None, name="a", type_=None):
    values = np.asarray(values)
    type_ = type_ or str(pa.array(values).type)
    numbers = Numbers(name, type_, values, np.arange(len(values)) + 1)
    return number_column(numbers, kind and read_override(name, kind))


def times(values, type_, kind=None):
    values = np.asarray(values, np.int64)
    numbers = Numbers("a", type_, values, np.arange(len(values)) + 1)
    return time_column(numbers, kind and read_override("a", kind))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3, 3, 3], Column("a", "constant", "int64", constant=3)),
        (np.arange(100), Column("a", "identifier", "int64")),
        (np.tile([0, 1], 50), Column("a", "categorical", "int64", categories=(0, 1), ordered=True)),
        (
            np.tile([-0.5, 0, 2.5], 10),
            Column("a", "categorical", "double", categories=(-0.5, 0, 2.5), ordered=True),
        ),
        (NORMAL, Column("a", "real", "double")),
        (NORMAL.astype(np.float32), Column("a", "real", "float")),
        (
            np.round(NORMAL, 2),
            Column("a", "real", "double", step=0.01, start=float(np.round(NORMAL, 2).min()), decimals=2),
        ),
        (np.round(NORMAL, 6), Column("a", "real", "double", decimals=6)),
        (GAMMA, Column("a", "positive", "double", low=0.0)),
        (GAMMA * (NORMAL > 0), Column("a", "positive", "double", low=0.0, masses=(0.0,))),
        (np.tan(NORMAL * 1.5), Column("a", "heavy-tailed", "double")),
        (RNG.poisson(8, 2000), Column("a", "count", "int64", low=0.0, step=1.0, start=1.0, decimals=0)),
        (
            RNG.poisson(8, 2000) * 1.0 - 50,
            Column("a", "integer", "double", step=1.0, start=-50.0, decimals=0),
        ),
        (RNG.integers(0, 9999, 2000), Column("a", "real", "int64", decimals=0)),
        (RNG.integers(5000, 9999, 2000), Column("a", "real", "int64", decimals=0)),
        (RNG.beta(0.5, 0.5, 2000), Column("a", "proportion", "double", low=0.0, high=1.0)),
        (
            np.clip(RNG.normal(0.5, 0.5, 2000), 0, 1),
            Column("a", "proportion", "double", low=0.0, high=1.0, masses=(0.0, 1.0)),
        ),
        (
            np.round(RNG.uniform(0, 100, 2000), 1),
            Column("a", "interval", "double", low=0.0, high=100.0, step=0.1, start=0.0, decimals=1),
        ),
        (RNG.integers(0, 101, 2000), Column("a", "count", "int64", low=0.0, step=1.0, start=0.0, decimals=0)),
        (
            RNG.integers(2000, 2025, 2000),
            Column("a", "integer", "int64", step=1.0, start=2000.0, decimals=0),
        ),
        (RNG.integers(2**60, 2**60 + 2**58, 500), Column("a", "identifier", "int64")),
    ],
    ids=lambda value: value.kind if isinstance(value, Column) else "",
)
def test_what_numbers_are(values, expected):
    found = column(values)
    if expected.kind == "count" and expected.start:
        assert found.start == np.min(values)
        found = Column(**{**found.to_json(), "start": expected.start})
    if expected.kind == "integer":
        assert found.start + found.origin == np.min(values)
        found = Column(**{**found.to_json(), "start": expected.start, "origin": 0.0})
    assert found == expected


def test_names_decide_where_values_alone_do_not():
    around = RNG.uniform(0, 360, 500)
    assert column(around, name="heading") == Column("heading", "angle", "double", low=0.0, period=360.0)
    assert column(around).kind == "real"
    share = np.linspace(0.3, 0.7, 500) + 1e-9
    assert column(share, name="share").kind == "proportion"
    assert column(share).kind == "real"
    keys = RNG.permutation(10**6)[:500]
    assert column(keys, name="key").kind == "identifier"


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("real", GAMMA, Column("a", "real", "double")),
        ("heavy-tailed", NORMAL, Column("a", "heavy-tailed", "double")),
        ("positive", [1.5, 1e6 / 3], Column("a", "positive", "double", low=0.0)),
        ("positive", [0.0, 1e6 / 3], Column("a", "positive", "double", low=0.0, masses=(0.0,))),
        (
            "positive",
            [0.25, 0.75, 2.75],
            Column("a", "positive", "double", low=0.0, step=0.01, start=0.25, decimals=2),
        ),
        ("interval(-1,9)", [1 / 3, 8], Column("a", "interval", "double", low=-1.0, high=9.0)),
        (
            "interval(0.5,9.5)",
            [1, 8],
            Column("a", "interval", "int64", low=1.0, high=9.0, step=1.0, start=1.0, decimals=0),
        ),
        ("proportion", [1 / 3, 1], Column("a", "proportion", "double", low=0.0, high=1.0, masses=(1.0,))),
        ("integer", [1, 90_000], Column("a", "integer", "int64", step=1.0, start=1.0, decimals=0)),
        ("count", [7.0, 90_000], Column("a", "count", "double", low=0.0, step=1.0, start=7.0, decimals=0)),
        ("count", [7, 7], Column("a", "count", "int64", low=0.0, step=1.0, start=7.0, decimals=0)),
        ("categorical", [7, 1, 7], Column("a", "categorical", "int64", categories=(1, 7), ordered=True)),
        ("angle(2,-1)", [1 / 3, 5], Column("a", "angle", "double", low=-1.0, period=2.0)),
        ("angle", RNG.uniform(-180, 180, 99), Column("a", "angle", "double", low=-180.0, period=360.0)),
        ("constant", [7, 7], Column("a", "constant", "int64", constant=7)),
    ],
)
def test_what_a_user_says_they_are(kind, values, expected):
    assert column(values, kind) == expected


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (
            "integer",
            [1, 2.5, 0.5],
            "whole numbers for integer, got 2 of 3 values that are not (row 2: 2.5, row 3: 0.5).",
        ),
        ("count", [1, -2, 3], "no negative numbers for count, got 1 of 3 values that are not (row 2: -2)."),
        (
            "positive",
            [-1.5, 3],
            "no negative numbers for positive, got 1 of 2 values that are not (row 1: -1.5).",
        ),
        (
            "interval(0,9)",
            [-1, 10, 11, 12, 3],
            "numbers from 0 to 9 for interval(0,9), got 4 of 5 values that are not (row 1: -1, row 2: 10, row 3: 11).",
        ),
        (
            "proportion",
            [0.5, 1.5],
            "numbers from 0 to 1 for proportion, got 1 of 2 values that are not (row 2: 1.5).",
        ),
        ("datetime", [1, 2], "dates or times for datetime, got numbers."),
        ("categorical", np.arange(1001), "at most 1000 different values for categorical, got 1001."),
        ("constant", [1, 2, 1], "one value for constant, got 1 of 3 values that are not (row 2: 2)."),
        (
            "angle",
            [1.0, 2.0],
            "the period of the angle, as in angle(360), because the values fill no usual circle, got 'angle'.",
        ),
    ],
)
def test_values_that_do_not_go_with_what_a_user_says(kind, values, message):
    with pytest.raises(ConfigError) as caught:
        column(values, kind)
    assert str(caught.value) == f"Column 'a': expected {message}"


def test_numbers_that_are_large_against_their_spread_get_an_origin():
    found = column(1e6 + RNG.uniform(size=500))
    assert found == Column("a", "real", "double", origin=found.origin)
    assert abs(found.origin - 1e6) <= 2
    huge = column(2**62 + RNG.integers(0, 10**6, 500))
    assert (huge.kind, huge.type, huge.origin > 2**61) == ("real", "int64", True)
    bounded = column(1e6 + RNG.uniform(size=500), "positive")
    assert (bounded.origin, bounded.low) == (0.0, 0.0)
    tied = np.r_[1e6 + RNG.uniform(size=500), np.full(500, 1e6 + 0.5)]
    assert column(tied, "positive").masses == (1e6 + 0.5,)
    assert column(tied).masses == (1e6 + 0.5 - column(tied).origin,)
    rounded = column(np.round(1e6 + RNG.uniform(size=500), 2), "positive")
    assert (rounded.origin, rounded.low, rounded.step) == (0.0, 0.0, 0.01)
    assert abs(rounded.start - 1e6) <= 1
    years = column(RNG.permutation(np.tile(np.arange(2000, 2021), 20)))
    assert (years.kind, years.origin, years.start) == ("integer", 2000.0, 0.0)


def test_dates_and_times():
    day, second = 18_000 + np.arange(300), 1_600_000_000 + np.arange(300) * 7
    assert times(day, "date32[day]") == Column("a", "datetime", "date32[day]", step=1.0, start=18_000.0)
    assert times(day // 50, "date32[day]").kind == "datetime"  # few dates are no levels: others will come
    found = times(18_000 + RNG.integers(0, 40, 300), "date32[day]")
    assert (found.origin, found.step, found.start) == (18_000.0, 1.0, 0.0)
    assert times([5, 5], "date32[day]") == Column("a", "constant", "date32[day]", constant=5)
    assert times(np.arange(0, 30_000, 7), "date32[day]") == Column("a", "datetime", "date32[day]")
    weekly = times(np.arange(0, 4900, 7).repeat(2), "date32[day]")
    assert (weekly.step, weekly.start) == (7.0, 0.0)
    hourly = times(np.arange(0, 300) * 3600 * 10**6, "timestamp[us]")
    assert (hourly.multiple, hourly.step) == (3600 * 10**6, 1 / 24)
    assert times(second * 10**9, "timestamp[ns]").multiple == 10**9
    assert times(second * 10**3 + 1, "timestamp[ms]").multiple == 1
    levels = times([3, 5, 3], "date32[day]", "categorical")
    assert levels == Column("a", "categorical", "date32[day]", categories=(3, 5), ordered=True)
    with pytest.raises(ConfigError) as caught:
        times(day, "date32[day]", "count")
    assert str(caught.value) == (
        "Column 'a': expected numbers for count, got dates or times. They can be datetime, categorical or "
        "identifier."
    )
