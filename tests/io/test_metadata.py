import hashlib
import importlib.metadata
import json

import numpy as np
import pytest

from pushforward.distributions.flow import Recipe
from pushforward.io.metadata import FORMAT, Metadata, decode, digest, encode, library_version, parse_object

VERSION = importlib.metadata.version("pushforward")
ARRAYS = {"a": np.asarray([1.0, 2.0], np.float32)}
RECIPE = Recipe("tiny", '{"features": 3}')
KNOWN = "format, recipe, arguments, version, sha256, table"


def texts(**changes):
    return encode(RECIPE, {"columns": ["a", "ü"]}, ARRAYS) | changes


def without(key):
    return {name: text for name, text in texts().items() if name != key}


def test_what_is_encoded_is_decoded():
    found = decode(texts())
    assert found == Metadata(
        "tiny", {"features": 3}, {"columns": ["a", "ü"]}, VERSION, digest(texts(), ARRAYS)
    )
    assert decode(encode(RECIPE, None, ARRAYS)).table is None


def test_the_format_is_2():
    """Another number needs a reader for the old one and a golden file of each."""
    assert FORMAT == texts()["format"] == "2"


def test_the_digest_is_what_the_format_says():
    plain = {"format": "2", "recipe": "r"}
    expected = hashlib.sha256(
        json.dumps(plain, sort_keys=True).encode() + b"a float32 (2,)\n" + ARRAYS["a"].tobytes()
    )
    assert digest(plain | {"sha256": "anything"}, ARRAYS) == expected.hexdigest()


def test_the_digest_sees_every_text_and_every_array():
    base = texts()
    seen = {digest(base, ARRAYS), digest(base, {})}
    seen |= {digest(base | {key: text + " "}, ARRAYS) for key, text in base.items() if key != "sha256"}
    assert len(seen) == 2 + len(base) - 1


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            without("format"),
            f'key "format": expected "2", which pushforward {VERSION} reads, '
            "got none: this is not a model file of pushforward",
        ),
        (texts(format="3"), f'key "format": expected "2", which pushforward {VERSION} reads, got "3"'),
        (
            texts(format="pt", x="1"),
            f'key "format": expected "2", which pushforward {VERSION} reads, got "pt"',
        ),
        (texts(loader="x"), f'metadata: expected only the keys {KNOWN}, got "loader"'),
        (without("recipe"), 'key "recipe": expected text, got none'),
        (without("arguments"), 'key "arguments": expected text, got none'),
        (without("version"), 'key "version": expected text, got none'),
        (without("sha256"), 'key "sha256": expected text, got none'),
        (texts(version="1 && rm"), 'key "version": expected a version number, got "1 && rm"'),
        (texts(version="1" * 65), f'key "version": expected a version number, got "{"1" * 65}"'),
        (texts(version="1\n"), 'key "version": expected a version number, got "1\\n"'),
        (texts(sha256="A" * 64), f'key "sha256": expected 64 hexadecimal digits, got "{"A" * 64}"'),
        (
            texts(recipe="r" * 65),
            f'key "recipe": expected a name of at most 64 letters, got "{"r" * 65}"',
        ),
        (texts(arguments="[]"), 'key "arguments": expected a JSON object, got []'),
        (
            texts(arguments="{} {}"),
            'key "arguments": expected JSON, got text that is none (Extra data: line 1 column 4 (char 3))',
        ),
        (
            texts(arguments='{"a":1,"a":2}'),
            'key "arguments": expected every key once, got "a" twice',
        ),
        (
            texts(arguments="{" + " " * 2**18 + "}"),
            'key "arguments": expected JSON of at most 262144 bytes, got 262146 bytes',
        ),
        (texts(table="null"), 'key "table": expected a JSON object, got null'),
        (
            texts(table='{"a":' + "[" * 9 + "]" * 9 + "}"),
            'key "table": expected JSON nested at most 8 deep, got a depth of 10',
        ),
        (
            texts(table="{" + " " * 2**20 + "}"),
            'key "table": expected JSON of at most 1048576 bytes, got 1048578 bytes',
        ),
    ],
)
def test_refusals(found, message, refused):
    assert refused(decode, found) == message


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"a": np.float32(1)},
            "table: expected plain data that JSON can hold, "
            "got TypeError: Object of type float32 is not JSON serializable",
        ),
        (
            {"a": float("nan")},
            "table: expected plain data that JSON can hold, "
            "got ValueError: Out of range float values are not JSON compliant",
        ),
        ({"a": "x" * 2**20}, 'key "table": expected JSON of at most 1048576 bytes, got 1048585 bytes'),
    ],
)
def test_a_table_that_cannot_be_written(table, message, refused):
    assert refused(encode, RECIPE, table, {}).removesuffix(": nan") == message


def test_a_table_in_itself(refused):
    table: dict = {}
    table["itself"] = table
    message = "table: expected plain data that JSON can hold, got ValueError: Circular reference detected"
    assert refused(encode, RECIPE, table, {}) == message


def test_an_endless_table(refused):
    table: list = []
    for _ in range(200_000):
        table = [table]
    assert refused(encode, RECIPE, {"a": table}, {}).startswith(
        "table: expected plain data that JSON can hold, got"
    )


def test_parse_object_gives_plain_data():
    assert parse_object('{"hidden": [3, 4], "x": null}', "arguments") == {"hidden": [3, 4], "x": None}


def test_library_version(monkeypatch):
    assert library_version() == VERSION

    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert library_version() == "0"
