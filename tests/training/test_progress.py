import io
import re
import subprocess
import sys

import pytest
from rich.console import Console

from pushforward.errors import ConfigError
from pushforward.training.history import Check
from pushforward.training.progress import Bar, Silent, display

CHECK = Check(1.5, 6, 2.5, 2.25, 2.125, 1e-3, 0.5, 125.0, 0)


def drawn(checks):
    console = Console(file=io.StringIO(), force_terminal=True, width=140, color_system=None)
    with Bar(console) as bar:
        bar.moved(0.5, 1.25, 3725.0)
        for check in checks:
            bar.checked(check)
        bar.went_back("Step 3: loss nan.")
    return re.sub(r"\x1b\[[0-9?;]*[a-zA-Z]", "", console.file.getvalue())


def test_the_bar_shows_the_numbers_and_the_guard():
    text = drawn([CHECK])
    assert "Step 3: loss nan." in text
    assert "epoch 1.5" in text
    assert " 50% train 2.500 · validation 2.250 (best 2.125) nats · rate 1.0e-03 1:02:05 left" in text


def test_the_bar_without_validation_and_before_the_first_check():
    assert "train 2.500 nats" in drawn([CHECK._replace(validation_loss=None, best_validation_loss=None)])
    assert "compiling 1:02:05 left" in drawn([])


def test_a_callable_receives_every_check():
    seen = []
    with display(seen.append) as shown:
        shown.moved(0.5, 1.0, None)
        shown.went_back("")
        shown.checked(CHECK)
    assert seen == [CHECK]


def test_nothing_is_shown_when_told_so_or_where_nobody_looks(capsys):
    assert isinstance(display(False), Silent)
    with display(True) as shown:  # under pytest standard error is no terminal
        shown.checked(CHECK)
        shown.moved(0.5, 1.0, None)
    assert capsys.readouterr() == ("", "")


def test_anything_else_is_refused():
    message = "fit: expected progress to be True, False or a callable, got 'yes'."
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        display("yes")


def test_importing_training_does_not_import_rich():
    code = "import sys, pushforward.training; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
