import numpy as np
import pytest

from pushforward.errors import PushforwardError
from pushforward.testing import CheckFailed, Finding, Report, Result
from pushforward.testing.report import fail, skip, worst_finding, worst_of

PASSED = Result("first", "passed", 0.5, 1.0, "row 3", "error")
FAILED = Result("second", "failed", 2.0, 1.0, "row 7", "error")
SKIPPED = Result("third", "skipped", 0.0, 0.0, "", "not declared.")


def test_nan_is_never_within_a_bound():
    assert Finding(1.0, 1.0).ok
    assert not Finding(float("nan"), 1.0).ok
    assert not Finding(1.0, float("nan")).ok


def test_worst_of_finds_the_row_that_exceeds_its_own_bound_most():
    finding = worst_of(
        np.array([[3.0, 0.1], [0.2, 0.2]]), np.array([[10.0, 10.0], [0.1, 10.0]]), ["a", "b"], "m"
    )
    assert finding == Finding(0.2, 0.1, "b", "m")


def test_worst_of_counts_nan_as_infinite():
    assert worst_of(np.array([1.0, np.nan]), 2.0, ["a", "b"]) == Finding(np.inf, 2.0, "b", "")


def test_worst_of_nothing_is_fine():
    assert worst_of(np.zeros((0, 3)), 1.0).ok


def test_worst_finding_keeps_every_message_of_failure():
    joined = worst_finding([Finding(0.1, 1.0, message="fine"), fail("first"), skip("never"), fail("second")])
    assert not joined.ok
    assert joined.message == "first; second"


def test_worst_finding_of_skipped_ones_is_skipped():
    assert worst_finding([skip("no reason")]).skipped


def test_report_raises_with_every_result():
    report = Report("Thing (3,) -> (3,)", (PASSED, FAILED, SKIPPED), "0 7")
    assert not report.ok
    assert report["second"] is FAILED
    with pytest.raises(CheckFailed) as caught:
        report.raise_if_failed()
    assert str(caught.value) == (
        "1 of 3 checks failed.\n"
        "Thing (3,) -> (3,) (key 0 7)\n"
        "  passed  first at row 3: error\n"
        "  failed  second: 2 > 1 at row 7: error\n"
        "  skipped third: not declared."
    )
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value, PushforwardError)


def test_report_without_failure_does_not_raise():
    Report("Thing", (PASSED, SKIPPED)).raise_if_failed()


def test_unknown_result():
    with pytest.raises(KeyError, match=r"No check 'fourth'\. There are: first, second\."):
        Report("Thing", (PASSED, FAILED))["fourth"]
