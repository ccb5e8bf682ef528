"""Hand-made hostile files: each ends in a BadModelFile, before memory is spent."""

import json
import re
import time
import tracemalloc
from importlib.metadata import version

import jax
import numpy as np
import pytest

from pushforward.io import load
from pushforward.io.refusal import show

DONE = " Nothing was loaded."
KNOWN = "features, context_features, layers, hidden, offset, note"
MEBI = 2**20
VERSION = version("pushforward")


def build(header, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.fixture
def attack(refusal, calls):
    """Load hostile bytes; return the message, having watched memory, time and the recipe."""

    def attack(content: bytes, *, runs_recipe: bool = False) -> str:
        calls.clear()
        before = sum(array.nbytes for array in jax.live_arrays())
        start = time.process_time()
        tracemalloc.start()
        try:
            message = refusal(content)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 128 * MEBI
        assert time.process_time() - start < 10
        assert sum(array.nbytes for array in jax.live_arrays()) - before < MEBI
        assert runs_recipe or not calls
        assert message.endswith(DONE)
        return message.removesuffix(DONE)

    return attack


def test_no_attack_no_refusal(crafted, tmp_path):
    """The tools of this module alone break nothing: else every test below would pass for the wrong reason."""
    path = tmp_path / "m"
    path.write_bytes(crafted.bytes())
    load(path)
    path.write_bytes(crafted.sign().bytes())
    load(path)


# What is no safetensors file at all


def test_an_empty_file(attack):
    assert attack(b"") == "file: expected a safetensors file of at least 8 bytes, got 0 bytes."


def test_a_pickle_is_not_run(attack, tmp_path):
    victim = tmp_path / "victim"
    program = f"cpathlib\nPath\n(S'{victim}'\ntRcos\nmkdir\n(S'{victim}'\ntR.".encode()
    assert attack(program) == (
        "header: expected a safetensors header of at most 4194304 bytes, "
        f"got {int.from_bytes(b'cpathlib', 'little')} bytes."
    )
    assert not victim.exists()


def test_a_modern_pickle(attack):
    length = int.from_bytes(b"\x80\x04\x95\x0c\0\0\0\0", "little")
    assert attack(b"\x80\x04\x95\x0c\0\0\0\0\0\0\0\x8c\x05posix\x94.") == (
        f"header: expected a safetensors header of at most 4194304 bytes, got {length} bytes."
    )


def test_a_picture(attack):
    assert attack(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") == (
        "header: expected a safetensors header of at most 4194304 bytes, got 727905341920923785 bytes."
    )


def test_a_text(attack):
    assert attack(b"a,b,c\n1,2,3\n") == (
        "header: expected a safetensors header of at most 4194304 bytes, got 3184337832590322785 bytes."
    )


def test_a_model_of_another_library(attack):
    message = attack(build({"__metadata__": {"format": "pt"}}))
    assert message == f'key "format": expected "2", which pushforward {VERSION} reads, got "pt".'


def test_plain_safetensors_without_metadata(attack):
    assert attack(build({})) == (
        f'key "format": expected "2", which pushforward {VERSION} reads, '
        "got none: this is not a model file of pushforward."
    )


# The header


def test_a_huge_header(attack):
    assert attack((2**60).to_bytes(8, "little") + b"{}") == (
        f"header: expected a safetensors header of at most 4194304 bytes, got {2**60} bytes."
    )


def test_a_header_beyond_the_end(attack):
    assert attack((MEBI).to_bytes(8, "little") + b"{}") == (
        f"header: expected {MEBI} bytes, as the file says, got 2 bytes before the file ends."
    )


def test_deep_json(attack):
    assert (
        attack(build(b'{"a":' * 800_000))
        == "header: expected JSON nested at most 3 deep, got a depth of 800000."
    )


def test_deep_json_in_the_metadata(crafted, attack):
    crafted.metadata["table"] = '{"a":' + "[" * 10**5 + "]" * 10**5 + "}"
    assert attack(crafted.sign().bytes()) == (
        'key "table": expected JSON nested at most 8 deep, got a depth of 100001.'
    )


def test_a_key_twice(crafted, attack):
    name, entry = '"bijector.weight"', json.dumps(crafted.header["bijector.weight"])
    text = json.dumps(crafted.header)
    text = text[:-1] + f", {name}: {entry}}}"
    assert attack(build(text.encode(), bytes(crafted.data))) == (
        'header: expected every key once, got "bijector.weight" twice.'
    )


def test_two_recipes(crafted, attack):
    text = json.dumps(crafted.header).replace('"recipe":', '"recipe": "other", "recipe":', 1)
    assert attack(build(text.encode(), bytes(crafted.data))) == (
        'header: expected every key once, got "recipe" twice.'
    )


def test_an_argument_twice(crafted, attack):
    crafted.metadata["arguments"] = '{"features": 3, "features": 3}'
    assert attack(crafted.sign().bytes()) == 'key "arguments": expected every key once, got "features" twice.'


def test_numbers_without_end(attack):
    header = b'{"a":{"dtype":"F32","shape":[' + b"9" * 10**6 + b'],"data_offsets":[0,4]}}'
    assert attack(build(header, b"1234")) == (
        "header: expected whole numbers of at most 20 digits, got one of 1000000."
    )


def test_very_many_arrays(attack):
    entry = '{"dtype":"I8","shape":[0],"data_offsets":[0,0]}'
    header = "{" + ",".join(f'"{i}":{entry}' for i in range(20_000)) + "}"
    assert attack(build(header.encode())) == (
        f'key "format": expected "2", which pushforward {VERSION} reads, '
        "got none: this is not a model file of pushforward."
    )


# Shapes and offsets


def test_a_shape_of_2_to_the_60(crafted, attack):
    crafted.header["bijector.weight"]["shape"] = [2**60]
    assert attack(crafted.bytes()) == (
        f'data_offsets of array "bijector.weight": expected {2**62} bytes for F32 of shape [{2**60}], '
        "got 12 bytes."
    )


def test_a_shape_whose_size_overflows_to_the_right_one(crafted, attack):
    """2^32 * 2^32 * 4 bytes is 0 in 64-bit arithmetic."""
    crafted.header["extra"] = {"dtype": "F32", "shape": [2**32, 2**32], "data_offsets": [0, 0]}
    assert attack(crafted.bytes()) == (
        f'data_offsets of array "extra": expected {2**66} bytes for F32 of shape [{2**32}, {2**32}], '
        "got 0 bytes."
    )


def test_nothing_times_very_much(crafted, attack):
    crafted.replace("bijector.weight", "F32", np.zeros((0,), np.float32))
    crafted.header["bijector.weight"]["shape"] = [0, 2**60]
    assert attack(crafted.bytes(), runs_recipe=True) == (
        f'shape of array "bijector.weight": expected (3,), got (0, {2**60}).'
    )


def test_offsets_and_shape_beyond_the_file(attack):
    header = {"a": {"dtype": "F32", "shape": [2**58], "data_offsets": [0, 2**60]}}
    assert attack(build(header)) == f"data: expected {2**60} bytes, as the header says, got 0 bytes."


def test_overlapping_arrays(crafted, attack):
    """Two names for the same bytes: a small file that grows when it is loaded."""
    entry = crafted.header["bijector.weight"]
    crafted.header["bijector.zeight"] = dict(entry)
    start, stop = entry["data_offsets"]
    assert attack(crafted.bytes()) == (
        f'data_offsets of array "bijector.zeight": expected a start at byte {stop}, where the array before '
        f"ends, got an overlap: byte {start}."
    )


def test_a_hole(crafted, attack):
    """Bytes that no array owns, in which something else could hide."""
    ordered = sorted(
        (entry["data_offsets"], name) for name, entry in crafted.header.items() if name[0] != "_"
    )
    (start, stop), name = ordered[-1]
    crafted.header[name]["data_offsets"] = [start + 8, stop + 8]
    crafted.data[start:start] = b"MZ\x90\0\3\0\0\0"
    assert attack(crafted.bytes()) == (
        f'data_offsets of array "{name}": expected a start at byte {start}, where the array before ends, '
        f"got a hole: byte {start + 8}."
    )


def test_something_behind_the_end(crafted, attack):
    size = len(crafted.data)
    assert attack(crafted.bytes() + b"#!/bin/sh") == (
        f"data: expected {size} bytes, as the header says, got {size + 9} bytes."
    )


def test_negative_offsets(crafted, attack):
    crafted.header["bijector.weight"]["data_offsets"] = [-12, 0]
    assert attack(crafted.bytes()) == (
        'data_offsets of array "bijector.weight": expected a start and an end after it, got [-12, 0].'
    )


# The recipe and its arguments


@pytest.mark.parametrize(
    "recipe",
    ["pickle_me", "os.system", "builtins:eval", "../../evil.py", "__init__", "pushforward.flows.nsf"],
)
def test_a_recipe_that_is_not_known(crafted, attack, recipe):
    crafted.metadata["recipe"] = recipe
    assert attack(crafted.sign().bytes()) == (
        f'key "recipe": expected one of the 1 known recipes (tiny), got "{recipe}".'
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 10**9}, 'argument "layers": expected whole numbers from 0 to 1024, got 1000000000.'),
        ({"features": 10**7}, 'argument "features": expected whole numbers from 0 to 1000000, got 10000000.'),
        ({"hidden": [2**30]}, 'argument "hidden": expected whole numbers from 0 to 65536, got 1073741824.'),
        ({"features": 1e6}, 'argument "features": expected whole numbers from 0 to 1000000, got 1000000.0.'),
        ({"key": 0}, f'key "arguments": expected the arguments of tiny ({KNOWN}), got "key".'),
        (
            {"features": 10**6, "layers": 1024, "hidden": [2**16] * 4},
            'key "arguments": expected a flow of at most 65742 numbers, as the arrays of the file take '
            f"103 bytes, got arguments for one of {1024 * (10**6 + 10**6 * 2**16 + 3 * 2**32)}.",
        ),
        (
            {"layers": 1024, "hidden": [64, 64]},
            'key "arguments": expected a flow of at most 65742 numbers, as the arrays of the file take '
            f"103 bytes, got arguments for one of {1024 * (3 + 3 * 64 + 64 * 64)}.",
        ),
    ],
)
def test_arguments_that_ask_for_the_world(crafted, attack, change, message):
    arguments = json.loads(crafted.metadata["arguments"]) | change
    crafted.metadata["arguments"] = json.dumps(arguments)
    assert attack(crafted.sign().bytes()) == message


def test_arguments_that_the_recipe_refuses(crafted, attack):
    crafted.metadata["arguments"] = '{"features": 3, "layers": 0}'
    assert attack(crafted.sign().bytes(), runs_recipe=True) == (
        'key "arguments": expected arguments that tiny can use, '
        "got ConfigError: tiny: expected layers to be at least 1, got 0."
    )


def test_terminal_commands_in_a_name_are_not_shown_raw(crafted, attack):
    crafted.metadata["recipe"] = "\x1b]0;owned\x07\x1b[2J"
    assert attack(crafted.sign().bytes()) == (
        r'key "recipe": expected one of the 1 known recipes (tiny), got "\u001b]0;owned\u0007\u001b[2J".'
    )


# The arrays


def test_a_path_in_a_name(crafted, attack, tmp_path):
    name = f"{tmp_path}/../victim"
    crafted.header[name] = crafted.header.pop("bijector.weight")
    assert attack(crafted.sign().bytes(), runs_recipe=True) == (
        f"array {show(name)}: expected no array of this name in a flow of tiny, got one."
    )
    assert not (tmp_path.parent / "victim").exists()


@pytest.mark.parametrize("name", ["bijector.order", "probes.log_prob"])
def test_a_missing_array(crafted, attack, name):
    crafted.remove(name)
    assert attack(crafted.sign().bytes(), runs_recipe=True) == (
        f'array "{name}": expected it in the file, got none.'
    )


def test_too_many_probes(crafted, attack):
    """They are computed before anything can be known of them, so their number is fixed."""
    crafted.replace("probes.x", "F32", np.zeros((1000, 3), np.float32))
    assert attack(crafted.sign().bytes(), runs_recipe=True) == (
        'shape of array "probes.x": expected (4, 3), got (1000, 3).'
    )


@pytest.mark.parametrize(
    ("dtype", "array", "message"),
    [
        ("F32", np.zeros(4, np.float32), 'shape of array "bijector.weight": expected (3,), got (4,).'),
        ("F32", np.zeros((), np.float32), 'shape of array "bijector.weight": expected (3,), got ().'),
        ("I32", np.zeros(3, np.int32), 'dtype of array "bijector.weight": expected float32, got int32.'),
        ("BOOL", np.zeros(3, bool), 'dtype of array "bijector.weight": expected float32, got bool.'),
        (
            "F64",
            np.zeros(3),
            'dtype of array "bijector.weight": expected at most 32 bits while x64 is off '
            "(jax.config.update('jax_enable_x64', True) turns it on), got float64.",
        ),
        (
            "F16",
            np.zeros(3, np.float16),
            'dtype of array "bijector.factor.content": expected float16, as of array "bijector.weight", '
            "got float32.",
        ),
    ],
)
def test_another_array(crafted, attack, dtype, array, message):
    crafted.replace("bijector.weight", dtype, array)
    assert attack(crafted.sign().bytes(), runs_recipe=True) == message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "name", ["bijector.weight", "bijector.factor.content", "probes.x", "probes.log_prob"]
)
def test_numbers_that_are_not_finite(crafted, attack, name, value):
    array = crafted.array(name)
    array.flat[1] = value
    assert attack(crafted.sign().bytes(), runs_recipe=True) == (
        f'array "{name}": expected finite numbers, got 1 of {array.size} that are not.'
    )


def test_a_boolean_that_is_neither(crafted, attack):
    crafted.array("bijector.mask").view(np.uint8)[1] = 7
    assert attack(crafted.sign().bytes(), runs_recipe=True) == (
        'array "bijector.mask": expected booleans of 0 or 1, got a byte of 7.'
    )


def test_another_density_than_when_it_was_saved(crafted, attack, flow):
    stored = crafted.array("probes.log_prob")
    right = stored.copy()
    stored[2] += 1
    found = attack(crafted.sign().bytes(), runs_recipe=True)
    assert found == (
        f"probe 2: expected a log-density of {stored[2]:.9g}, as when saved, got {right[2]:.9g} now."
    )


def test_another_mask_is_another_density(crafted, attack):
    mask = crafted.array("bijector.mask")
    mask[:] = ~mask
    assert re.fullmatch(
        r"probe 0: expected a log-density of -[0-9.]+, as when saved, got -[0-9.]+ now\.",
        attack(crafted.sign().bytes(), runs_recipe=True),
    )


def test_a_table_changed_without_a_new_digest(crafted, attack):
    signed = crafted.metadata["sha256"]
    crafted.metadata["table"] = crafted.metadata["table"].replace("a", "b")
    found = attack(crafted.bytes(), runs_recipe=True)
    assert found == (
        f'key "sha256": expected {signed}, got {crafted.sign().metadata["sha256"]} from the content: '
        "the file is damaged."
    )
