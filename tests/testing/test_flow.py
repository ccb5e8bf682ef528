import jax.random as jr
import numpy as np
import pytest

from pushforward.distributions import StandardNormal
from pushforward.errors import ConfigError
from pushforward.testing import FLOW_CHECKS, CheckFailed, check_flow, flow_checks
from pushforward.testing.mutants import LAW_MUTANTS

X = np.random.default_rng(0).normal(size=(16, 2))


def test_one_failure_does_not_hide_the_others():
    law = LAW_MUTANTS["constant_forgotten"].build()
    only = ["normalised", "key_respected", "reference_law"]
    with pytest.raises(CheckFailed) as caught:
        check_flow(law, X, jr.key(3), only=only, reference=lambda x: np.zeros(len(x)))
    lines = str(caught.value).splitlines()
    assert lines[0] == "2 of 3 checks failed."
    assert lines[1] == "MadeLaw over events (2,) (key 0 3)"
    assert [line.split()[0] for line in lines[2:]] == ["failed", "failed", "passed"]
    assert "the density integrates to 2.50662" in lines[3]  # sqrt(2 pi)


def test_expected_failures():
    law = LAW_MUTANTS["constant_forgotten"].build()
    report = check_flow(law, X, jr.key(0), only=["normalised"], expected_failures={"normalised": "known"})
    assert report["normalised"].status == "excused"


def test_events_of_another_shape_are_refused():
    with pytest.raises(ConfigError) as caught:
        check_flow(StandardNormal((3,)), X, jr.key(0))
    assert str(caught.value) == "check_flow: expected events of shape (n, *(3,)) with n > 0, got (16, 2)."


def test_contexts_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError) as caught:
        check_flow(StandardNormal((2,)), X, jr.key(0), context=np.zeros(3))
    assert str(caught.value) == "check_flow: the law takes no context of shape None, got (3,)."
    with pytest.raises(ConfigError) as caught:
        check_flow(LAW_MUTANTS["deaf_law"].build(), X, jr.key(0))
    assert str(caught.value) == "check_flow: the law takes a context of shape (2,), got none."


def test_unknown_check():
    with pytest.raises(ConfigError) as caught:
        check_flow(StandardNormal((2,)), X, jr.key(0), only=["ks_of_base"])
    assert str(caught.value) == f"Unknown check 'ks_of_base'. Known: {', '.join(FLOW_CHECKS)}."


def test_checks_one_by_one():
    names = ["data_in_support", "dtype", "save_and_load"]
    checks = dict(flow_checks(StandardNormal((2,)), X, jr.key(0), only=names))
    assert [check().status for check in checks.values()] == ["passed", "passed", "skipped"]


def test_every_check_says_what_it_demands():
    assert all(check.__doc__ for check in FLOW_CHECKS.values())
