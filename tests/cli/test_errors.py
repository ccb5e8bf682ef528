import errno

import pytest
import typer

from pushforward import errors
from pushforward.cli.errors import BAD_INPUT, FAILED, explain

BUG = "This is a bug of pushforward; --debug shows where."


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (errors.BadTable("t.csv: no such file or folder."), "t.csv: no such file or folder.", BAD_INPUT),
        (errors.BadModelFile("m: broken.\nNothing was loaded."), "m: broken. Nothing was loaded.", BAD_INPUT),
        (errors.ConfigError("bad option"), "bad option", BAD_INPUT),
        (errors.NonFiniteLoss("step 3"), "step 3", FAILED),
        (FileNotFoundError("m: the folder x does not exist."), "m: the folder x does not exist.", BAD_INPUT),
        (FileNotFoundError(errno.ENOENT, "No such file", "x.csv"), "x.csv: no such file", BAD_INPUT),
        (OSError(errno.ENOSPC, "No space left on device", "x.csv"), "x.csv: no space left on device", FAILED),
        (OSError(errno.EIO, "Input/output error"), "input/output error", FAILED),
        (MemoryError(), "not enough memory.", FAILED),
        (typer.BadParameter("it is odd"), "Invalid value: it is odd.", BAD_INPUT),
        (KeyError("x"), f"unexpected KeyError: 'x'. {BUG}", FAILED),
        (RuntimeError(), f"unexpected RuntimeError. {BUG}", FAILED),
    ],
)
def test_explain(error, message, code):
    assert explain(error) == (message, code)
