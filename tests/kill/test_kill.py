"""SIGKILL at any moment costs the steps since the last check; the run ends bit for bit the same."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

SCRIPT = Path(__file__).with_name("train.py")


def start(path, *how, rows="array"):
    return subprocess.Popen([sys.executable, str(SCRIPT), str(path), rows, *map(str, how)])


def read(path):
    """Return all arrays of a checkpoint, and all else but the seconds."""
    with safe_open(path, framework="numpy") as file:
        record = json.loads(file.metadata()["pushforward.checkpoint"])["record"]
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    # Of a check the last three numbers are seconds, seconds left, and retries.
    record["checks"] = [check[:6] + check[8:] for check in record["checks"]]
    return arrays, {name: value for name, value in record.items() if name != "seconds"}


def steps(path):
    return read(path)[1]["checks"][-1][1]


def assert_same(path, other):
    (arrays, record), (expected, expected_record) = read(path), read(other)
    assert arrays.keys() == expected.keys()
    for name in arrays:
        np.testing.assert_array_equal(arrays[name], expected[name], err_msg=name)
    assert record == expected_record


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """A run that nobody kills, beside the others; call it to wait for its end and get its checkpoint."""
    path = tmp_path_factory.mktemp("untouched") / "run.ckpt"
    process = start(path, "never")

    def finished():
        assert process.wait() == 0
        return path

    yield finished
    process.kill()


def test_killed_inside_a_write_and_at_a_random_moment(untouched, tmp_path):
    path = tmp_path / "run.ckpt"
    # The 60th rename: the file has its second name already, and its new contents wait beside it.
    assert start(path, "replace", 60, "before").wait() == -signal.SIGKILL
    first = steps(path)
    assert 0 < first < steps(untouched())
    seconds = random.Random().uniform(0.0, 0.2)
    assert start(path, "time", seconds).wait() == -signal.SIGKILL, f"time {seconds}"
    second = steps(path)
    assert first < second
    assert start(path, "never").wait() == 0
    assert_same(path, untouched())


def test_killed_while_rows_come_from_a_source(tmp_path):
    path, other = tmp_path / "run.ckpt", tmp_path / "untouched.ckpt"
    untouched = start(other, "never", rows="source")
    seconds = random.Random().uniform(0.0, 0.2)
    assert start(path, "time", seconds, rows="source").wait() == -signal.SIGKILL, f"time {seconds}"
    assert start(path, "never", rows="source").wait() == 0
    assert untouched.wait() == 0
    assert_same(path, other)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["link", "replace", "fsync", "open"])
@pytest.mark.parametrize("count", [40, 41])
def test_killed_at_each_system_call(untouched, tmp_path, call, when, count):
    """A write makes one link, two renames, two syncs and one opening of the folder: 40 and 41 meet all."""
    path = tmp_path / "run.ckpt"
    assert start(path, call, count, when).wait() == -signal.SIGKILL
    assert 0 < steps(path) < steps(untouched())
    assert start(path, "never").wait() == 0
    assert_same(path, untouched())


@pytest.mark.slow
def test_killed_again_and_again(untouched, tmp_path):
    path = tmp_path / "run.ckpt"
    chance = random.Random()
    for _ in range(8):
        seconds = chance.uniform(0.0, 0.15)
        if start(path, "time", seconds).wait() == 0:
            break
    assert start(path, "never").wait() == 0
    assert_same(path, untouched())
