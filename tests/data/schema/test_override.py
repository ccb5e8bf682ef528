import pytest

from pushforward.data.schema.column import KINDS
from pushforward.data.schema.override import Override, read_override, read_overrides
from pushforward.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("real", Override("real", (), "real")),
        (" heavy-tailed ", Override("heavy-tailed", (), "heavy-tailed")),
        ("interval(0,100)", Override("interval", (0, 100), "interval(0,100)")),
        ("interval ( -1 , 1e2 )", Override("interval", (-1, 100), "interval ( -1 , 1e2 )")),
        ("angle", Override("angle", (), "angle")),
        ("angle(360)", Override("angle", (360,), "angle(360)")),
        ("angle(360,-180)", Override("angle", (360, -180), "angle(360,-180)")),
    ],
)
def test_kinds_as_they_are_written(text, expected):
    assert read_override("a", text) == expected
    assert read_overrides(["b", "a"], {"a": text}) == {"a": expected}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("number", f"expected a kind, got 'number'. Kinds: {', '.join(KINDS)}."),
        ("real)", f"expected a kind, got 'real)'. Kinds: {', '.join(KINDS)}."),
        (3, f"expected a kind, got 3. Kinds: {', '.join(KINDS)}."),
        ("real(0)", "expected real, got 'real(0)'."),
        ("interval", "expected interval(LOW,HIGH), got 'interval'."),
        ("interval(0)", "expected interval(LOW,HIGH), got 'interval(0)'."),
        ("interval(0,nan)", "expected interval(LOW,HIGH), got 'interval(0,nan)'."),
        ("interval(0,x)", "expected interval(LOW,HIGH), got 'interval(0,x)'."),
        ("interval(1,1)", "expected LOW < HIGH in interval(LOW,HIGH), got 'interval(1,1)'."),
        ("angle()", "expected angle, angle(PERIOD) or angle(PERIOD,LOW), got 'angle()'."),
        ("angle(0)", "expected a positive period in angle(PERIOD), got 'angle(0)'."),
    ],
)
def test_what_is_no_kind(text, message):
    with pytest.raises(ConfigError) as caught:
        read_override("a", text)
    assert str(caught.value) == f"Column 'a': {message}"


def test_columns_that_are_not_there():
    with pytest.raises(ConfigError) as caught:
        read_overrides(["a", "b"], {"z": "real", "a": "real"})
    assert str(caught.value) == ("Kinds were given for columns that the table lacks: 'z'. It has: 'a', 'b'.")
    assert read_overrides(["a"], None) == {}
