"""The cores of a machine without an accelerator are devices that share each batch."""

import json
import os
import subprocess
import sys

import jax
import pytest

from pushforward.cli.devices import chosen_devices, offer_cores
from pushforward.errors import ConfigError

NAME = "JAX_NUM_CPU_DEVICES"


@pytest.fixture
def variables(monkeypatch):
    for name in (NAME, "XLA_FLAGS"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    return monkeypatch


def test_cores_are_offered_unless_the_user_has_said_how_many(variables):
    offer_cores()
    assert int(os.environ[NAME]) == len(os.sched_getaffinity(0))
    variables.setenv(NAME, "3")
    offer_cores()
    assert os.environ[NAME] == "3"
    variables.delenv(NAME)
    variables.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    offer_cores()
    assert NAME not in os.environ


@pytest.mark.parametrize(
    ("backend", "count", "chosen"),
    [("cpu", 1, None), ("cpu", 2, 2), ("cpu", 64, 4), ("gpu", 8, None)],
)
def test_unasked_up_to_four_cores_or_one_accelerator_share(monkeypatch, backend, count, chosen):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    monkeypatch.setattr(jax, "device_count", lambda: count)
    assert chosen_devices(None) == chosen


def test_the_users_word():
    assert (chosen_devices("all"), chosen_devices("3"), chosen_devices("1")) == ("all", 3, 1)
    for text in ("-1", "few", "1.5", ""):
        with pytest.raises(ConfigError, match="--devices: expected a whole number or all"):
            chosen_devices(text)


CODE = """
import importlib, sys
module = importlib.import_module("pushforward.training.fit")
make_layout = module.make_layout
module.make_layout = lambda devices: (print(devices, file=sys.stderr), make_layout(devices))[1]
from pushforward.cli.main import main
main()
"""


def test_a_fit_on_the_cores_is_that_on_one(tmp_path):
    """In processes of their own, as JAX counts its devices once."""
    table = tmp_path / "table.csv"
    rows = (f"{i % 17 + 0.5 * (i % 3)},{i % 13 - 0.1 * (i % 7)}\n" for i in range(400))
    table.write_text("a,b\n" + "".join(rows))
    likelihoods = []
    for option, used in (["--devices", "1"], "1"), ([], "3"):
        command = ["fit", str(table), "-o", str(tmp_path / "m.safetensors"), "--flow", "realnvp"]
        command += ["--max-epochs", "3", "--quiet", "--json", *option]
        run = subprocess.run(
            [sys.executable, "-c", CODE, *command],
            env=os.environ | {NAME: "3"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        assert set(run.stderr.split()) == {used}
        found = json.loads(run.stdout)
        likelihoods.append([found["train_log_prob"], found["validation_log_prob"]])
    assert likelihoods[1] == pytest.approx(likelihoods[0], rel=1e-4)
