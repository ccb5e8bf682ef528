import random
import warnings

import jax
import numpy as np
import pytest

from pushforward.errors import ConfigError
from pushforward.testing import Finding
from pushforward.testing.report import fail, skip
from pushforward.testing.running import chosen, run_check


def test_whatever_is_raised_is_a_failure():
    def check():
        raise TypeError("no such thing\nmore lines")

    result = run_check("name", check)
    assert result.status == "failed"
    assert result.message.startswith("raised TypeError at test_running.py:")
    assert result.message.endswith(": no such thing")


@pytest.mark.parametrize(
    ("finding", "expected", "status", "message"),
    [
        (Finding(message="fine"), None, "passed", "fine"),
        (fail("bad"), None, "failed", "bad"),
        (fail("bad"), "known", "excused", "known (bad)"),
        (Finding(), "known", "failed", "passed, but was expected to fail: known"),
        (skip("no"), "known", "skipped", "no"),
    ],
)
def test_expected_failures_are_strict(finding, expected, status, message):
    result = run_check("name", lambda: finding, expected)
    assert (result.status, result.message) == (status, message)


def test_global_state_is_put_back():
    before = random.getstate(), np.random.get_state()[1].tolist(), list(warnings.filters)  # noqa: NPY002

    def check():
        random.random()
        np.random.normal()  # noqa: NPY002
        warnings.simplefilter("ignore")
        jax.config.update("jax_debug_nans", True)
        return Finding()

    run_check("name", check)
    assert before == (random.getstate(), np.random.get_state()[1].tolist(), list(warnings.filters))  # noqa: NPY002
    assert not jax.config.jax_debug_nans


def test_unknown_names():
    assert chosen(["a", "b", "c"], ["c", "a"], {}) == ["a", "c"]
    for only, expected in ((["d"], {}), (None, {"d": "reason"})):
        with pytest.raises(ConfigError) as caught:
            chosen(["a", "b"], only, expected)
        assert str(caught.value) == "Unknown check 'd'. Known: a, b."
