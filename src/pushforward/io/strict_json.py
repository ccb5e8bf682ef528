"""JSON from strangers: bounded in size and depth, no key twice, no NaN, no number without end."""

import json
import math
from typing import Any

import numpy as np

from .refusal import Refused, show

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
    """Return how deep the brackets outside of strings are nested."""
    # Without escapes every second quote ends a string: pairs of backslashes go first, then escaped quotes.
    letters = np.frombuffer(text.replace(rb"\\", b"").replace(rb"\"", b""), np.uint8)
    inside = np.bitwise_xor.accumulate(letters == ord('"'))
    opening = ((letters == ord("[")) | (letters == ord("{"))) & ~inside
    closing = ((letters == ord("]")) | (letters == ord("}"))) & ~inside
    steps = opening.astype(np.int8) - closing.astype(np.int8)
    return max(0, int(np.cumsum(steps, dtype=np.int32).max(initial=0)))


class _Reader:
    """The hooks of the JSON parser, which know what they read."""

    def __init__(self, what: str) -> None:
        self.what = what

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, value in pairs:
            if name in result:
                raise Refused(self.what, "every key once", f"{show(name)} twice")
            result[name] = value
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
