import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushforward.io.refusal import Refused
from pushforward.io.strict_json import parse


def read(text: bytes, **caps):
    return parse(text, "it", **({"max_bytes": 2**20, "max_depth": 4} | caps))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def depth(value) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max((depth(item) for item in inner), default=0)


@settings(max_examples=200, deadline=None)
@given(values, st.booleans())
def test_reads_what_json_reads_to_the_allowed_depth(value, ascii):
    text = json.dumps(value, ensure_ascii=ascii).encode()
    assert read(text, max_depth=depth(value)) == value
    if depth(value):
        with pytest.raises(Refused):
            read(text, max_depth=depth(value) - 1)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40) | st.text('{}[]",:\\u0e1-', max_size=40).map(str.encode))
def test_arbitrary_bytes_are_read_or_refused(text):
    try:
        value = read(text)
    except Refused:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[1,2,3]" + b" " * 10, "it: expected JSON of at most 16 bytes, got 17 bytes"),
        (b"[[[[[1]]]]]", "it: expected JSON nested at most 4 deep, got a depth of 5"),
        (b'{"a":1,"b":2,"a":3}', 'it: expected every key once, got "a" twice'),
        (b'[{"a":{},"a":{}}]', 'it: expected every key once, got "a" twice'),
        (b"123456789012345678901", "it: expected whole numbers of at most 20 digits, got one of 21"),
        (b"1e999", "it: expected finite numbers, got 1e999"),
        (b"NaN", "it: expected finite numbers, got NaN"),
        (b"-Infinity", "it: expected finite numbers, got -Infinity"),
        (b'"\xff"', "it: expected text in UTF-8, got bytes that are none"),
        (b'"\\ud800"', "it: expected text in UTF-8, got bytes that are none"),
        (
            b"{",
            "it: expected JSON, got text that is none (Expecting property name enclosed in double quotes: "
            "line 1 column 2 (char 1))",
        ),
        (b"", "it: expected JSON, got text that is none (Expecting value: line 1 column 1 (char 0))"),
    ],
)
def test_refusals(text, message):
    with pytest.raises(Refused) as caught:
        read(text, max_bytes=16 if len(text) == 17 and text.endswith(b" ") else 2**20)
    assert str(caught.value) == message


def test_brackets_in_strings_do_not_count():
    text = json.dumps({"a": '[[[[[[{{{{{\\"[[[['}).encode()
    assert read(text, max_depth=1) == json.loads(text)


@pytest.mark.parametrize("end", ["\\", "\\\\", '\\"', '"'])
def test_no_string_hides_what_follows_it(end):
    text = json.dumps({"a": end, "b": [[[[1]]]]}).encode()
    assert read(text, max_depth=5) == json.loads(text)
    with pytest.raises(Refused, match=r"^it: expected JSON nested at most 4 deep, got a depth of 5$"):
        read(text, max_depth=4)


def test_a_million_digits_are_not_converted():
    with pytest.raises(
        Refused, match=r"^it: expected whole numbers of at most 20 digits, got one of 1000000$"
    ):
        read(b"9" * 10**6, max_bytes=2**21)


@pytest.mark.parametrize(
    "text",
    [b"[" * 2**20, b'\\"' * 2**19, b'"' + b'\\"' * 2**19, b'"' * 2**20, b'{"a":' * 2**17, b"[]," * 2**18],
    ids=["open", "escapes", "unclosed", "quotes", "objects", "lists"],
)
def test_hostile_megabytes_are_refused_in_linear_time(text):
    start = time.process_time()
    with pytest.raises(Refused):
        read(text, max_bytes=2**21)
    assert time.process_time() - start < 5


def test_many_keys_with_a_late_repetition_in_linear_time():
    text = b"{" + b",".join(b'"%d":0' % (i % 99_999) for i in range(100_000)) + b"}"
    start = time.process_time()
    with pytest.raises(Refused, match=r'^it: expected every key once, got "0" twice$'):
        read(text, max_bytes=2**21)
    assert time.process_time() - start < 5
