"""What the README shows works."""

import re
from pathlib import Path

import pytest

from pushforward.cli.main import run

README = (Path(__file__).parents[1] / "README.md").read_text()


@pytest.mark.slow
def test_python_example(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["samples"].shape == (1000, 3)
    assert names["z"].shape == (10, 3)
    assert (tmp_path / "model.safetensors").exists()


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
