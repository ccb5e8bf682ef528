"""The metadata of a model file: which keys there are, what each holds, and how long it may be."""

import hashlib
import importlib.metadata
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..distributions.flow import Recipe
from . import strict_json
from .container import update_hash
from .refusal import Refused, show

FORMAT = "2"
"""The number of the file format that this version writes and reads."""

_MAX_BYTES = {"arguments": 2**18, "table": 2**20}
_MAX_DEPTH = 8
_MAX_NAME = 64
_REQUIRED = ("format", "recipe", "arguments", "version", "sha256")
_KNOWN = (*_REQUIRED, "table")
_PATTERNS = {
    "version": (re.compile(r"[0-9A-Za-z.+!-]{1,64}"), "a version number"),
    "sha256": (re.compile(r"[0-9a-f]{64}"), "64 hexadecimal digits"),
}


class Metadata(NamedTuple):
    """What a file says about its arrays.

    Attributes:
        recipe: the name of the recipe that builds the flow.
        arguments: the recipe's keyword arguments.
        table: the description of the columns, or None.
        version: the version of the library that wrote the file.
        sha256: the digest of everything else in the file, in hexadecimal.
    """

    recipe: str
    arguments: dict[str, Any]
    table: dict[str, Any] | None
    version: str
    sha256: str


def decode(texts: Mapping[str, str]) -> Metadata:
    """Check the metadata of a file and return it, or raise `Refused`."""
    found = texts.get("format")
    if found != FORMAT:
        got = "none: this is not a model file of pushforward" if found is None else show(found)
        raise Refused('key "format"', f"{show(FORMAT)}, which pushforward {library_version()} reads", got)
    for key in texts:
        if key not in _KNOWN:
            raise Refused("metadata", f"only the keys {', '.join(_KNOWN)}", show(key))
    for key in _REQUIRED:
        if key not in texts:
            raise Refused(f'key "{key}"', "text", "none")
    for key, (pattern, meaning) in _PATTERNS.items():
        if not pattern.fullmatch(texts[key]):
            raise Refused(f'key "{key}"', meaning, show(texts[key]))
    if len(texts["recipe"]) > _MAX_NAME:
        raise Refused('key "recipe"', f"a name of at most {_MAX_NAME} letters", show(texts["recipe"]))
    arguments = parse_object(texts["arguments"], "arguments")
    table = parse_object(texts["table"], "table") if "table" in texts else None
    return Metadata(texts["recipe"], arguments, table, texts["version"], texts["sha256"])


def encode(
    recipe: Recipe, table: Mapping[str, Any] | None, arrays: Mapping[str, np.ndarray]
) -> dict[str, str]:
    """Return the metadata of a file that is to be written, or raise `Refused` where `decode` would."""
    texts = {
        "format": FORMAT,
        "recipe": recipe.name,
        "arguments": recipe.arguments,
        "version": library_version(),
    }
    if table is not None:
        try:
            texts["table"] = json.dumps(table, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise Refused(
                "table", "plain data that JSON can hold", f"{type(error).__name__}: {error}"
            ) from error
    texts["sha256"] = digest(texts, arrays)
    decode(texts)
    return texts


def digest(texts: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of all arrays and of all metadata but the digest itself, in hexadecimal.

    It tells a damaged file from a whole one. It says nothing about who wrote the file.
    """
    result = hashlib.sha256()
    rest = {key: text for key, text in texts.items() if key != "sha256"}
    result.update(json.dumps(rest, sort_keys=True).encode())
    update_hash(result, arrays)
    return result.hexdigest()


def library_version() -> str:
    """Return the version of the installed library, "0" where it runs without being installed."""
    try:
        return importlib.metadata.version("pushforward")
    except importlib.metadata.PackageNotFoundError:
        return "0"


def parse_object(text: str, key: str) -> dict[str, Any]:
    """Return the JSON object under the key `arguments` or `table`, or raise `Refused`."""
    what = f'key "{key}"'
    value = strict_json.parse(text.encode(), what, max_bytes=_MAX_BYTES[key], max_depth=_MAX_DEPTH)
    if not isinstance(value, dict):
        raise Refused(what, "a JSON object", show(value))
    return value
