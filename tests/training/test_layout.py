"""Several devices, and several processes, train the flow that one device trains."""

import importlib
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import jax
import jax.random as jr
import numpy as np
import pytest

from pushforward.errors import ConfigError
from pushforward.training import fit
from pushforward.training.clock import Clock
from pushforward.training.layout import SharedClock, make_layout

layout_module = importlib.import_module("pushforward.training.layout")

SCRIPT = Path(__file__).with_name("shared.py")


def start(out, *how, devices=1):
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    command = [sys.executable, str(SCRIPT), str(out), *map(str, how)]
    return subprocess.Popen(command, env=os.environ | {"XLA_FLAGS": flags})


def read(out, process=0):
    return json.loads(Path(f"{out}.{process}.json").read_text())


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    """What one process with four devices says."""
    out = tmp_path_factory.mktemp("four") / "run"
    assert start(out, devices=4).wait(300) == 0
    return read(out)


def assert_same(ours, theirs):
    assert (ours["steps"], ours["stopped"]) == (theirs["steps"], theirs["stopped"]) == (32, "epochs")
    np.testing.assert_allclose(ours["train_loss"], theirs["train_loss"], rtol=2e-6)
    np.testing.assert_allclose(ours["validation"], theirs["validation"], rtol=2e-6)
    for array, expected in zip(ours["arrays"], theirs["arrays"], strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows", ["array", "source"])
def test_four_devices_train_the_flow_of_one(four, rows):
    """Weights, dropout and the statistics of whole batches included; 250 rows are no multiple of four."""
    assert four["devices"] == 4
    assert_same(four[f"{rows} shared"], four[f"{rows} alone"])
    assert four[f"{rows} again"]["arrays"] == four[f"{rows} shared"]["arrays"]
    assert four["timed"]["stopped"] == "time"


def test_each_device_takes_the_gradient_of_rows_that_stand_alone(four):
    """Weights and each row's key of dropout are those of the whole batch, of 250 rows filled up to 252."""
    assert_same(four["independent shared"], four["independent alone"])


@pytest.mark.slow  # three processes compile side by side: half a minute, and more on a busy machine
def test_two_processes_train_the_flow_of_one(four, tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    processes = [start(tmp_path / "run", process, 2, port) for process in range(2)]
    try:
        assert [process.wait(300) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    first, second = (read(tmp_path / "run", process) for process in range(2))
    for rows in ("array", "source"):
        assert_same(first[f"{rows} shared"], four[f"{rows} alone"])
        for which in ("shared", "again"):
            assert first[f"{rows} {which}"]["arrays"] == second[f"{rows} {which}"]["arrays"]
        assert (first[f"{rows} shared"]["shown"], second[f"{rows} shared"]["shown"]) == (8, 0)
    assert_same(first["independent shared"], four["independent alone"])
    assert first["timed"]["steps"] == second["timed"]["steps"] > 0
    assert first["timed"]["arrays"] == second["timed"]["arrays"]


def test_one_device_of_its_own_is_the_same_bit_for_bit(affine, table, equal):
    runs = [
        fit(affine(), table[:999], key=jr.key(0), max_epochs=3, progress=False, devices=devices)
        for devices in (None, 1)
    ]
    equal(runs[0].flow, runs[1].flow)
    assert runs[0].history.train_loss == runs[1].history.train_loss


def test_devices_that_do_not_fit():
    device = jax.devices()[0]
    count = len(jax.devices())
    message = f"fit: expected 1 to {count} devices, as many as there are, got {count + 1}."
    for given, text in (
        ("both", "fit: expected devices to be a number, 'all', 'auto' or JAX devices, got 'both'."),
        (count + 1, message),
        ([device, device], f"fit: expected devices to be JAX devices, each once, got {[device, device]}."),
        ([], "fit: expected devices to be JAX devices, each once, got []."),
    ):
        with pytest.raises(ConfigError) as caught:
            make_layout(given)
        assert str(caught.value) == text
    assert make_layout(None) is None
    assert make_layout([device]) == make_layout(1)


class _Device:
    """As JAX shows one, as far as a layout asks."""

    process_index = 0


@pytest.mark.parametrize(
    ("backend", "count", "processes", "pays", "chosen"),
    [
        ("cpu", 2, 1, True, 2),
        ("cpu", 64, 1, True, 4),
        ("cpu", 1, 1, True, None),
        ("cpu", 2, 1, False, None),
        ("cpu", 2, 2, True, None),
        ("gpu", 2, 1, True, None),
    ],
)
def test_auto_takes_up_to_four_cores_where_they_pay(monkeypatch, backend, count, processes, pays, chosen):
    devices = [_Device() for _ in range(count)]
    monkeypatch.setattr(jax, "devices", lambda: devices)
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    monkeypatch.setattr(jax, "process_count", lambda: processes)
    monkeypatch.setattr(layout_module, "Mesh", lambda devices, names: (tuple(devices), names))
    layout = make_layout("auto", pays=pays)
    assert (layout and layout.padded(1)) == chosen


def test_a_layout_pads_to_what_devices_can_share():
    layout = make_layout(1)
    assert [layout.padded(rows) for rows in (1, 7)] == [1, 7]
    layout._count = 4
    assert [layout.padded(rows) for rows in (1, 4, 250)] == [4, 4, 252]


def test_what_the_processes_agree_on():
    """Without other processes the answers are one's own, and a clock is only shared by several."""
    layout, clock = make_layout(1), Clock(5.0)
    assert layout.agreed(1 / 3) == 1 / 3
    assert layout.clock(clock) is clock
    layout.processes = 2  # the sum then runs over the one device there is
    assert layout.agreed(1 / 3) == 1 / 3
    shared = layout.clock(clock)
    assert isinstance(shared, SharedClock)
    clock.saw_steps(10, 1.0)
    assert (shared.is_over(), shared.limited) == (False, True)
    assert shared.slice_steps(100) == clock.slice_steps(100)
    assert 0 < shared.advance(0.0, 5) < 1


@pytest.mark.parametrize("batch", [250, pytest.param(256, marks=pytest.mark.slow)])
def test_the_program_shares_the_rows_and_gathers_none(tmp_path, batch):
    """Run in a process with four devices: each sees a quarter of a batch, and only sums cross, together and once."""
    code = _PROGRAM.format(batch=batch)
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
    run = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"XLA_FLAGS": flags}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    numbers, text = run.stdout.split("\n", 1)
    assert f"f32[{-(-batch // 4)}," in text
    assert f"f32[{batch}," not in text
    # The loss and the sum of the weights with the gradient of all layers, and that sum for the history: XLA makes them
    # one where it can.
    sums = re.findall(r"= (.*) all-reduce(?:-start)?\(", text)
    assert len(sums) <= 2
    assert sum(f"f32[{int(numbers) + 2}]" in shape for shape in sums) == 1
    assert re.findall(r"(?:all-gather|all-to-all|collective-permute)(?:-start)?\(", text) == []


_PROGRAM = """
import equinox as eqx, jax, jax.random as jr, numpy as np
import pushforward.training.loop as loop
from pushforward import fit
from pushforward.flows import registry

steps, calls = loop.train_steps, []

def noted(*args, **options):
    calls.append((args, options))
    return steps(*args, **options)

loop.train_steps = noted
flow = registry.build("realnvp", {{"features": 4, "layers": 2, "hidden": (8,)}}, jr.key(0))
x = np.random.default_rng(0).normal(size=({batch} * 4, 4))
fit(flow, x, key=jr.key(0), validation=0, batch_size={batch}, max_epochs=1, devices="all", progress=False)
print(sum(array.size for array in jax.tree.leaves(calls[0][0][0].params)))
whole = eqx.filter_jit(steps.__wrapped__)
print(whole.lower(*calls[0][0], **calls[0][1]).compile().compiled.as_text())
"""
