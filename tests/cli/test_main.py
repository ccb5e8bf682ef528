import os
import re
import subprocess
import sys
import time
import warnings

import pytest

from pushforward.cli import info, main


@pytest.mark.parametrize("command", ["fit", "score", "sample", "check", "report", "info"])
def test_every_command_has_help_with_an_example(cli, command):
    outcome = cli(command, "--help")
    assert outcome.code == 0
    assert f"Example: pushforward {command} " in " ".join(outcome.out.split())
    for option in ("--quiet", "--json", "--debug"):
        assert option in outcome.out


def test_help_names_the_commands(cli):
    assert cli().out == cli("--help").out == cli("-h").out
    for command in ("fit", "score", "sample", "check", "report", "info"):
        assert re.search(rf"\b{command}\b", cli("--help").out)


def test_version(cli):
    outcome = cli("--version")
    assert outcome.code == 0
    assert re.fullmatch(r"pushforward \d+\.\d+\.\d+\n", outcome.out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["infoo", "x"], "No such command 'infoo'"),
        (["info"], "Missing argument 'MODEL|TABLE'"),
        (["info", "x", "--jsn"], "No such option: --jsn"),
        (["sample", "m", "-n", "many", "-o", "x.csv"], "Invalid value for '-n' / '--rows': "),
    ],
)
def test_wrong_usage_is_one_line_on_standard_error(cli, arguments, message):
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert re.fullmatch(rf"pushforward: error: {re.escape(message)}.*\n", outcome.err)
    assert "--help`." in outcome.err


def raising(error):
    def replacement(*arguments, **more):
        raise error

    return replacement


def test_a_bug_shows_no_traceback_unless_asked(cli, monkeypatch):
    monkeypatch.setattr("pushforward.io.describe", raising(KeyError("x")))
    message = (
        "pushforward: error: unexpected KeyError: 'x'. This is a bug of pushforward; --debug shows where.\n"
    )
    outcome = cli("info", "m")
    assert (outcome.code, outcome.out, outcome.err) == (1, "", message)
    outcome = cli("info", "m", "--debug")
    assert outcome.code == 1
    assert outcome.err.startswith("Traceback (most recent call last):\n")
    assert outcome.err.endswith(message)


def test_ctrl_c(cli, monkeypatch):
    monkeypatch.setattr("pushforward.io.describe", raising(KeyboardInterrupt()))
    outcome = cli("info", "m")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "pushforward: interrupted.\n")


def test_a_reader_that_has_left_is_no_error(cli, monkeypatch):
    monkeypatch.setattr("pushforward.io.describe", raising(BrokenPipeError(32, "Broken pipe")))
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    outcome = cli("info", "m")
    assert (outcome.code, outcome.err) == (1, "")


def test_warnings_are_notes(cli, model, monkeypatch):
    def warn(*arguments):
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = main._note
            warnings.warn("Look\nhere.", stacklevel=1)
        return ""

    monkeypatch.setattr(info, "_text", warn)
    assert cli("info", model).err == "note: Look here.\n"


def test_help_is_quick_and_loads_no_jax():
    code = (
        "import sys; from pushforward.cli.main import run; run(['fit', '--help']); "
        "sys.exit(bool({'jax', 'numpy', 'pyarrow', 'matplotlib'} & set(sys.modules)))"
    )
    start = time.process_time() + sum(os.times()[2:4])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    seconds = time.process_time() + sum(os.times()[2:4]) - start
    assert done.returncode == 0, done.stderr
    assert seconds < 1.5  # of processor time; about 0.3 on an idle machine


def test_the_installed_command_leaves_with_the_exit_code(tmp_path):
    code = "import sys; sys.argv = ['pushforward', 'sample']; from pushforward.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("pushforward: error: Missing argument 'MODEL'")
