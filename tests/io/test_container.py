import hashlib
import io
import json

import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from pushforward.io.container import (
    MAX_HEADER_BYTES,
    STORABLE,
    Entry,
    pack,
    read_arrays,
    read_header,
    update_hash,
)

ARRAYS = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "scalar": np.asarray(-1.5),
    "mask": np.asarray([True, False, True]),
    "order": np.asarray([2, 0, 1], np.int32),
    "nothing": np.zeros((0, 4), np.int64),
    "half": np.asarray([0.5, 2], jnp.bfloat16),
}


def read(content: bytes):
    file = io.BytesIO(content)
    header = read_header(file, len(content))
    return header, read_arrays(file, header)


def build(header, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(1,), offsets=(0, 4)) -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_what_is_packed_is_read():
    header, arrays = read(pack(ARRAYS, {"a": "ü", "b": ""}))
    assert header.metadata == {"a": "ü", "b": ""}
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        assert arrays[name].tobytes() == array.tobytes()


@pytest.mark.parametrize("dtype", sorted(STORABLE, key=str), ids=str)
def test_every_storable_dtype_keeps_its_bits(dtype):
    array = np.asarray([[0, 1], [1, 0]], dtype)
    _, arrays = read(pack({"a": array}, {}))
    assert arrays["a"].dtype == dtype
    np.testing.assert_array_equal(arrays["a"], array)


def test_layout_in_memory_does_not_matter():
    array = np.arange(6.0).reshape(2, 3)
    assert read(pack({"a": np.asfortranarray(array)}, {}))[1]["a"].tolist() == array.tolist()
    assert read(pack({"a": array[:, ::2]}, {}))[1]["a"].tolist() == array[:, ::2].tolist()


def test_the_safetensors_library_reads_the_same():
    content = pack({name: array for name, array in ARRAYS.items() if name != "half"}, {})
    theirs = safetensors.numpy.load(content)  # which, for NumPy, knows no bfloat16
    ours = read(content)[1]
    assert set(theirs) == set(ours)
    for name in ours:
        np.testing.assert_array_equal(theirs[name], ours[name])
        assert theirs[name].dtype == ours[name].dtype


def test_the_hash_sees_names_dtypes_shapes_and_bytes():
    def digest(arrays):
        result = hashlib.sha256()
        update_hash(result, arrays)
        return result.hexdigest()

    a = np.asarray([1.0, 2.0], np.float32)
    variants = [
        {"a": a},
        {"b": a},
        {"a": a.reshape(1, 2)},
        {"a": a.view(np.int32)},
        {"a": a[::-1]},
        {"a": a, "b": a},
    ]
    assert len({digest(arrays) for arrays in variants}) == len(variants)
    assert digest({"a": a, "b": a[:1]}) == digest({"b": a[:1].copy(), "a": a})


GOOD = {"a": entry(), "b": entry("I8", (2, 2), (4, 8)), "c": entry("BOOL", (), (8, 9))}
EIGHT = bytes(range(9))


def test_entries_come_in_the_order_of_their_data():
    header, _ = read(build(dict(reversed(GOOD.items())), EIGHT[:8] + b"\1"))
    assert list(header.entries) == ["a", "b", "c"]
    assert header.entries["b"] == Entry(np.dtype(np.int8), (2, 2), 4, 8)


def changed(name, **fields):
    return GOOD | {name: GOOD[name] | fields}


SPARE = '{"dtype": 1, "shape": 2, "x": 3}'
FIELDS = "an object of dtype, shape and data_offsets"
DTYPES = "BOOL, U8, I8, U16, I16, U32, I32, U64, I64, F16, BF16, F32, F64"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "file: expected a safetensors file of at least 8 bytes, got 0 bytes"),
        (b"1234567", "file: expected a safetensors file of at least 8 bytes, got 7 bytes"),
        (
            (MAX_HEADER_BYTES + 1).to_bytes(8, "little"),
            "header: expected a safetensors header of at most 4194304 bytes, got 4194305 bytes",
        ),
        (build(b"{}")[:-1], "header: expected 2 bytes, as the file says, got 1 bytes before the file ends"),
        (build(b"[]"), "header: expected a JSON object, got []"),
        (
            build(b"\xef\xbb\xbf{}"),
            "header: expected JSON, got text that is none (Unexpected UTF-8 BOM (decode using utf-8-sig): "
            "line 1 column 1 (char 0))",
        ),
        (build({"__metadata__": []}), 'key "__metadata__": expected a JSON object, got []'),
        (build({"__metadata__": {"a": 1}}), 'key "a": expected text, got 1'),
        (build({"a": 1}), f'array "a": expected {FIELDS}, got 1'),
        (build({"a": {"dtype": "F32"}}), f'array "a": expected {FIELDS}, got {{"dtype": "F32"}}'),
        (build({"a": {"dtype": 1, "shape": 2, "x": 3}}), f'array "a": expected {FIELDS}, got {SPARE}'),
        (
            build(changed("a", dtype="F8_E4M3"), EIGHT),
            f'dtype of array "a": expected one of {DTYPES}, got "F8_E4M3"',
        ),
        (
            build(changed("a", dtype=["F32"]), EIGHT),
            f'dtype of array "a": expected one of {DTYPES}, got ["F32"]',
        ),
        (build(changed("a", shape=[-1]), EIGHT), 'shape of array "a": expected at most 32 sizes, got [-1]'),
        (build(changed("a", shape=[1.0]), EIGHT), 'shape of array "a": expected at most 32 sizes, got [1.0]'),
        (
            build(changed("a", shape=[True]), EIGHT),
            'shape of array "a": expected at most 32 sizes, got [true]',
        ),
        (build(changed("a", shape=1), EIGHT), 'shape of array "a": expected at most 32 sizes, got 1'),
        (
            build(changed("a", shape=[1] * 33), EIGHT),
            f'shape of array "a": expected at most 32 sizes, got {str([1] * 33)[:80]}...',
        ),
        (
            build(changed("a", data_offsets=[4, 0]), EIGHT),
            'data_offsets of array "a": expected a start and an end after it, got [4, 0]',
        ),
        (
            build(changed("a", data_offsets=[0, 4, 8]), EIGHT),
            'data_offsets of array "a": expected a start and an end after it, got [0, 4, 8]',
        ),
        (
            build(changed("a", data_offsets=[-4, 0]), EIGHT),
            'data_offsets of array "a": expected a start and an end after it, got [-4, 0]',
        ),
        (
            build(changed("a", shape=[2]), EIGHT),
            'data_offsets of array "a": expected 8 bytes for F32 of shape [2], got 4 bytes',
        ),
        (
            build(changed("b", data_offsets=[3, 7]), EIGHT),
            'data_offsets of array "b": expected a start at byte 4, where the array before ends, '
            "got an overlap: byte 3",
        ),
        (
            build(changed("b", data_offsets=[5, 9]), EIGHT),
            'data_offsets of array "b": expected a start at byte 4, where the array before ends, '
            "got a hole: byte 5",
        ),
        (build(GOOD, EIGHT + b"x"), "data: expected 9 bytes, as the header says, got 10 bytes"),
        (build(GOOD, EIGHT[:-1]), "data: expected 9 bytes, as the header says, got 8 bytes"),
        (build(GOOD, EIGHT[:8] + b"\2"), 'array "c": expected booleans of 0 or 1, got a byte of 2'),
    ],
)
def test_refusals(content, message, refused):
    assert refused(read, content) == message


def test_a_file_that_shrinks_while_it_is_read(refused):
    content = build(GOOD, EIGHT)
    file = io.BytesIO(content)
    header = read_header(file, len(content))
    file.truncate(len(content) - 3)
    assert (
        refused(read_arrays, file, header) == 'array "b": expected 4 bytes, got 2 bytes before the file ends'
    )
