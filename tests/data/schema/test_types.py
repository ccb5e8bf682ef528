import pyarrow as pa
import pytest

from pushforward.data.schema.types import arrow_type, group_of, units_per_day

TYPES = [
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
    *(pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.null(), pa.date32(), pa.date64()),
    *(pa.timestamp("s"), pa.timestamp("ns", "Europe/Berlin"), pa.timestamp("us", "+01:00")),
]


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_types_come_back_from_their_text(kind):
    assert group_of(str(kind)) is not None
    assert arrow_type(str(kind)) == kind


def test_other_types_are_none_of_a_schema():
    for kind in (
        "list<item: int64>",
        "time32[s]",
        "timestamp[h]",
        "timestamp[s, tz=../../x y]",
        "int128",
        "",
    ):
        assert group_of(kind) is None


def test_units_of_a_day():
    kinds = ("date32[day]", "date64[ms]", "timestamp[s, tz=UTC]", "timestamp[us]", "timestamp[ns]")
    assert [units_per_day(kind) for kind in kinds] == [1, 86_400_000, 86_400, 86_400 * 10**6, 86_400 * 10**9]
    assert units_per_day("int64") == 1
