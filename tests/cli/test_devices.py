"""The cores of a machine without an accelerator are devices that share each batch."""

import json
import os
import subprocess
import sys

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


def test_the_users_word():
    assert [chosen_devices(text) for text in ("auto", "all", "3", "1")] == ["auto", "all", 3, 1]
    for text in ("-1", "few", "1.5", ""):
        with pytest.raises(ConfigError, match="--devices: expected a whole number, all or auto"):
            chosen_devices(text)


CODE = """
import importlib, sys
module = importlib.import_module("pushforward.training.fit")
make_layout = module.make_layout


def noted(devices, *, pays):
    layout = make_layout(devices, pays=pays)
    print(1 if layout is None else layout.padded(1), file=sys.stderr)
    return layout


module.make_layout = noted
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
