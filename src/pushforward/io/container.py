"""The safetensors container: its header read and checked before a byte of data is touched.

A file is 8 bytes (little-endian length of the header), the header (JSON: for each array its dtype, shape and
the bytes it occupies; and `__metadata__`, text by text), and the data. The data of the arrays must follow one
another without overlap or hole and end where the file ends. The same checks as in the safetensors library,
with lower caps and with messages that say what was found.
"""

import math
from collections.abc import Mapping
from io import BufferedIOBase
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import safetensors.numpy

from . import strict_json
from .refusal import Refused, show

MAX_HEADER_BYTES = 2**22
"""The longest header that is parsed: enough for 25,000 arrays."""

_LENGTH_BYTES = 8
_HEADER_DEPTH = 3
_MAX_AXES = 32
_DTYPES: dict[str, np.dtype] = {
    "BOOL": np.dtype(bool),
    "U8": np.dtype(np.uint8),
    "I8": np.dtype(np.int8),
    "U16": np.dtype(np.uint16),
    "I16": np.dtype(np.int16),
    "U32": np.dtype(np.uint32),
    "I32": np.dtype(np.int32),
    "U64": np.dtype(np.uint64),
    "I64": np.dtype(np.int64),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(jnp.bfloat16),
    "F32": np.dtype(np.float32),
    "F64": np.dtype(np.float64),
}
STORABLE = frozenset(_DTYPES.values())
"""The dtypes that a model file can hold."""


class Entry(NamedTuple):
    """One array of the file: its dtype and shape, and which bytes [start, stop) of the data are its own."""

    dtype: np.dtype
    shape: tuple[int, ...]
    start: int
    stop: int


class Header(NamedTuple):
    """The arrays by name, in the order of their data, and the metadata."""

    entries: dict[str, Entry]
    metadata: dict[str, str]


def read_header(file: BufferedIOBase, size: int) -> Header:
    """Read and check the header; the file is left where the data begins.

    Args:
        file: the open file, at its start.
        size: the size of the file in bytes.

    Raises:
        Refused: if the file is not a whole safetensors file.
    """
    prefix = file.read(_LENGTH_BYTES)
    if len(prefix) < _LENGTH_BYTES:
        raise Refused("file", f"a safetensors file of at least {_LENGTH_BYTES} bytes", f"{len(prefix)} bytes")
    length = int.from_bytes(prefix, "little")
    if length > MAX_HEADER_BYTES:
        raise Refused(
            "header", f"a safetensors header of at most {MAX_HEADER_BYTES} bytes", f"{length} bytes"
        )
    text = file.read(length)
    if len(text) < length:
        raise Refused(
            "header", f"{length} bytes, as the file says", f"{len(text)} bytes before the file ends"
        )
    content = strict_json.parse(text, "header", max_bytes=MAX_HEADER_BYTES, max_depth=_HEADER_DEPTH)
    if not isinstance(content, dict):
        raise Refused("header", "a JSON object", show(content))
    metadata = _metadata(content.pop("__metadata__", {}))
    entries = {name: _entry(name, value) for name, value in content.items()}
    entries = dict(sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)))
    _check_cover(entries, size - _LENGTH_BYTES - length)
    return Header(entries, metadata)


def read_arrays(file: BufferedIOBase, header: Header) -> dict[str, np.ndarray]:
    """Read all data. To be called when the header was compared with what is expected: this allocates.

    Raises:
        Refused: if the file ends early, or a boolean is neither 0 nor 1.
    """
    arrays = {}
    for name, entry in header.entries.items():
        array = np.empty(entry.shape, entry.dtype)
        raw = _bytes_of(array)
        count = file.readinto(raw.data)
        if count < raw.size:
            raise Refused(f"array {show(name)}", f"{raw.size} bytes", f"{count} bytes before the file ends")
        if entry.dtype == np.bool_ and np.any(raw > 1):
            raise Refused(f"array {show(name)}", "booleans of 0 or 1", f"a byte of {int(raw.max())}")
        arrays[name] = array
    return arrays


def pack(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """Return the bytes of a file that holds these arrays and this metadata."""
    contiguous = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    return safetensors.numpy.save(contiguous, dict(metadata))


def update_hash(digest: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Feed arrays to a hash of `hashlib`: names, dtypes, shapes and bytes, in the order of the names."""
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.name} {array.shape}\n".encode())
        digest.update(_bytes_of(np.ascontiguousarray(array)).data)


def _bytes_of(array: np.ndarray) -> np.ndarray:
    """View the memory of a contiguous array as bytes."""
    return array.reshape(-1).view(np.uint8)


def _metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Refused('key "__metadata__"', "a JSON object", show(value))
    for key, text in value.items():
        if not isinstance(text, str):
            raise Refused(f"key {show(key)}", "text", show(text))
    return value


def _entry(name: str, value: Any) -> Entry:
    what = f"array {show(name)}"
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise Refused(what, "an object of dtype, shape and data_offsets", show(value))
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise Refused(f"dtype of {what}", f"one of {', '.join(_DTYPES)}", show(dtype))
    if not _are_sizes(shape) or len(shape) > _MAX_AXES:
        raise Refused(f"shape of {what}", f"at most {_MAX_AXES} sizes", show(shape))
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise Refused(f"data_offsets of {what}", "a start and an end after it", show(offsets))
    size = math.prod(shape) * _DTYPES[dtype].itemsize
    if size != offsets[1] - offsets[0]:
        raise Refused(
            f"data_offsets of {what}",
            f"{size} bytes for {dtype} of shape {show(shape)}",
            f"{offsets[1] - offsets[0]} bytes",
        )
    return Entry(_DTYPES[dtype], tuple(shape), offsets[0], offsets[1])


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(size) is int and size >= 0 for size in value)


def _check_cover(entries: Mapping[str, Entry], size: int) -> None:
    """Raise unless the arrays follow one another from byte 0 to the last byte of the data."""
    end = 0
    for name, entry in entries.items():
        if entry.start != end:
            kind = "a hole" if entry.start > end else "an overlap"
            raise Refused(
                f"data_offsets of array {show(name)}",
                f"a start at byte {end}, where the array before ends",
                f"{kind}: byte {entry.start}",
            )
        end = entry.stop
    if end != size:
        raise Refused("data", f"{end} bytes, as the header says", f"{size} bytes")
