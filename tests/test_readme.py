"""What the README shows works."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pushforward.cli.main import run

README = (Path(__file__).parents[1] / "README.md").read_text()


@pytest.mark.slow
def test_python_example(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flow, frame = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict = {}
    exec(compile(flow, "README.md", "exec"), names)
    assert names["samples"].shape == (1000, 3)
    assert names["z"].shape == (10, 3)
    assert (tmp_path / "model.safetensors").exists()
    random = np.random.default_rng(0)
    income = random.choice(["<=50K", ">50K"], size=2000)
    age = np.where(income == ">50K", random.normal(50, 5, 2000), random.normal(30, 5, 2000)).round()
    names["frame"] = pd.DataFrame({"income": income, "age": age.astype(int)})
    exec(compile(frame.replace("max_seconds=60", "max_seconds=20"), "README.md", "exec"), names)
    assert names["rows"].num_rows == 1000
    assert 45 < np.mean(names["rows"].column("age")) < 55


def test_commands_and_options_exist(capsys):
    """Every option that the README or the command line's page names is one of a command that it may stand with."""
    page = (Path(__file__).parents[1] / "docs" / "command-line.md").read_text()
    helps = []
    for command in ("fit", "score", "sample", "check", "report", "info"):
        assert run([command, "--help"]) == 0
        helps.append(capsys.readouterr().out)
        assert f"pushforward {command} " in README
    known = set(re.findall(r"--[a-z-]+", " ".join(helps))) | {"--help"}
    assert set(re.findall(r"(?<!-)--[a-z][a-z-]+", README + page)) <= known
