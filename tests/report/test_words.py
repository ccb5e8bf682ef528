import datetime

import pytest

from pushforward.data.schema import Column
from pushforward.report.words import cell, listing, nats, number, seconds, share, value_of


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (number(0.123456), "0.1235"),
        (number(12345.6), "12,346"),
        (number(0.0), "0"),
        (number(2.5e-7), "2.500e-07"),
        (number(float("nan")), "not known"),
        (nats(-1.23456), "-1.235"),
        (nats(1.0, 0.5), "1.000 \N{PLUS-MINUS SIGN} 0.500"),
        (nats(1.0, float("nan")), "1.000"),
        (nats(-1e-5), "0.000"),
        (share(0.5), "50.0%"),
        (share(0.001), "0.10%"),
        (seconds(75.4), "75.4 seconds"),
        (seconds(600), "10.0 minutes"),
        (listing(["a", " ", "b"]), "a, ' ', b"),
        (listing(list("abcd"), 2), "a, b and 2 more"),
        (cell(None), "missing"),
        (cell(float("nan")), "missing"),
        (cell(1234.5), "1234.5"),
        (cell(datetime.date(2024, 1, 2)), "2024-01-02"),
        (cell("x" * 500), "x" * 119 + "\N{HORIZONTAL ELLIPSIS}"),
        (value_of(Column("d", "datetime", "date32[day]", step=1.0, start=0.0), 19724.0), "2024-01-02"),
        (value_of(Column("c", "categorical", "string", categories=("a", "b")), 1.0), "b"),
    ],
)
def test_words(found, text):
    assert found == text
