"""JSON from strangers: bounded in size and depth, no key twice, no NaN, no number without end."""

import json
import math
import re
from typing import Any

import numpy as np

from .refusal import Refused, show

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_DIGITS = 20


def parse(text: bytes, what: str, *, max_bytes: int, max_depth: int) -> Any:
    """Return the value of a JSON text, or raise `Refused`.

    Size and depth are checked on the bytes, before anything is parsed, and in linear time.

    Args:
        text: the JSON text in UTF-8.
        what: the name of the text in messages.
        max_bytes: the longest text that is parsed.
        max_depth: the deepest nesting of lists and objects that is parsed.
    """
    if len(text) > max_bytes:
        raise Refused(what, f"JSON of at most {max_bytes} bytes", f"{len(text)} bytes")
    depth = _depth(text)
    if depth > max_depth:
        raise Refused(what, f"JSON nested at most {max_depth} deep", f"a depth of {depth}")
    reader = _Reader(what)
    try:
        value = json.loads(
            text.decode(),
            object_pairs_hook=reader.pairs,
            parse_int=reader.integer,
            parse_float=reader.real,
            parse_constant=reader.constant,
        )
        # A lone surrogate is legal in JSON, but is no text: it could be neither printed nor written.
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise Refused(what, "text in UTF-8", "bytes that are none") from error
    except ValueError as error:
        raise Refused(what, "JSON", f"text that is none ({error})") from error
    return value


def _depth(text: bytes) -> int:
    brackets = np.frombuffer(_STRING.sub(b"", text).translate(None, _NOT_BRACKETS), np.uint8)
    if not brackets.size:
        return 0
    opening = (brackets == ord("[")) | (brackets == ord("{"))
    return max(0, int(np.cumsum(np.where(opening, 1, -1)).max()))


class _Reader:
    """The hooks of the JSON parser, which know what they read."""

    def __init__(self, what: str) -> None:
        self.what = what

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise Refused(self.what, "every key once", f"{show(twice)} twice")
        return result

    def integer(self, text: str) -> int:
        if len(text) > _DIGITS:
            raise Refused(self.what, f"whole numbers of at most {_DIGITS} digits", f"one of {len(text)}")
        return int(text)

    def real(self, text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise Refused(self.what, "finite numbers", text[:_DIGITS])
        return value

    def constant(self, text: str) -> Any:
        raise Refused(self.what, "finite numbers", text)
