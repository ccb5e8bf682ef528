"""How a model file is refused: what was looked at, what was expected there, and what was found."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import BadModelFile

_SHOWN = 80


class Refused(Exception):
    """Raised inside this room; `naming_file` turns it into a BadModelFile that names the file.

    Args:
        what: the key, array or part of the file.
        expected: what should be there.
        got: what is there.
    """

    def __init__(self, what: str, expected: str, got: str) -> None:
        super().__init__(f"{what}: expected {expected}, got {got}")


@contextmanager
def naming_file(path: str | Path) -> Iterator[None]:
    """Turn a `Refused` raised inside into a BadModelFile that names the file and reassures."""
    try:
        yield
    except Refused as refused:
        raise BadModelFile(f"{path}: {refused}. Nothing was loaded.") from refused.__cause__


def show(value: Any) -> str:
    """Return a value of the file as short printable ASCII, whatever it holds."""
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
