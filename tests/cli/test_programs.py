import os
import subprocess
import sys
from pathlib import Path

import pytest

from pushforward.cli.programs import folder, keep_programs, prune

NAMES = (
    "JAX_COMPILATION_CACHE_DIR",
    "JAX_ENABLE_COMPILATION_CACHE",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS",
)


@pytest.fixture
def home(monkeypatch, tmp_path):
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setattr(sys, "platform", "linux")
    return tmp_path


def test_programs_are_kept_in_the_users_cache_folder(home):
    keep_programs()
    place = Path(os.environ["JAX_COMPILATION_CACHE_DIR"])
    assert place.parent == folder() == home / "caches" / "pushforward" / "programs"
    assert place.is_dir()


@pytest.mark.parametrize(
    ("name", "value"), [("JAX_COMPILATION_CACHE_DIR", "elsewhere"), ("JAX_ENABLE_COMPILATION_CACHE", "False")]
)
def test_the_users_word_is_the_last(home, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    keep_programs()
    assert os.environ[name] == value
    assert not (home / "caches").exists()
    assert os.environ.get("JAX_COMPILATION_CACHE_DIR") in (None, "elsewhere")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no such rights")
@pytest.mark.parametrize("place", ["programs", "machine"])
def test_where_others_may_write_nothing_is_kept(home, place):
    keep_programs()
    machine = Path(os.environ.pop("JAX_COMPILATION_CACHE_DIR"))
    assert machine.stat().st_mode & 0o777 == 0o700
    (machine if place == "machine" else machine.parent).chmod(0o777)
    keep_programs()
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ


def test_without_a_folder_nothing_is_kept(home):
    (home / "caches").write_text("no folder")
    keep_programs()
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ


def test_the_oldest_programs_go_first(tmp_path):
    for age, name in enumerate(("new", "middle", "old")):
        path = tmp_path / name / "program"
        path.parent.mkdir()
        path.write_bytes(bytes(100))
        os.utime(path, (1e9 - age, 1e9 - age))
    prune(tmp_path, most=250)
    assert sorted(path.parent.name for path in tmp_path.rglob("program")) == ["middle", "new"]


def test_commands_keep_programs_and_draw_the_same_rows_with_them(model, home):
    command = [
        sys.executable,
        "-c",
        "from pushforward.cli.main import main; main()",
        "sample",
        model,
        "-n",
        "3",
    ]
    found, results = [], []
    for run in ("first", "second"):
        environment = os.environ | {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        subprocess.run(
            [*command, "-o", home / f"{run}.csv"], check=True, env=environment, capture_output=True
        )
        found.append(sorted(path.name for path in folder().rglob("*") if path.name.endswith("-cache")))
        results.append((home / f"{run}.csv").read_bytes())
    assert found[0]
    assert found[0] == found[1]
    assert results[0] == results[1]
