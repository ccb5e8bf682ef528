import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

from pushforward.bijectors import Affine, Elementwise, Permute
from pushforward.errors import ConfigError
from pushforward.testing import BIJECTOR_CHECKS, CheckFailed, bijector_checks, check_bijector
from pushforward.testing.mutants import Made

QUICK = ["log_det_shape", "dtype", "missing_context_raises", "tree_round_trip"]


def _wrong_twice():
    """Wrong log-det and wrong inverse."""

    def forward(p, x):
        return 2 * x, jnp.zeros((), x.dtype)

    return Made({}, forward, lambda p, y: (y / 3, jnp.zeros((), y.dtype)))


def test_one_failure_does_not_hide_the_others():
    with pytest.raises(CheckFailed) as caught:
        check_bijector(_wrong_twice(), jr.key(0), only=["round_trip_x", "log_det_forward", "log_det_shape"])
    lines = str(caught.value).splitlines()
    assert lines[0] == "2 of 3 checks failed."
    assert lines[1] == "Made (3,) -> (3,) (key 0 0)"
    assert [line.split()[:2] for line in lines[2:]] == [
        ["passed", "log_det_shape"],
        ["failed", "round_trip_x:"],
        ["failed", "log_det_forward:"],
    ]
    assert "2.08 > " in lines[4]  # 3 log 2


def test_report_instead_of_an_error():
    report = check_bijector(_wrong_twice(), jr.key(0), only=["log_det_forward"], raises=False)
    assert not report.ok
    assert [result.name for result in report] == ["log_det_forward"]


def test_expected_failures():
    excused = {"log_det_forward": "a demonstration"}
    report = check_bijector(_wrong_twice(), jr.key(0), only=["log_det_forward"], expected_failures=excused)
    assert report["log_det_forward"].status == "excused"
    with pytest.raises(CheckFailed, match="passed, but was expected to fail: a demonstration"):
        check_bijector(Permute([1, 0]), jr.key(0), only=["log_det_forward"], expected_failures=excused)


def _nearly():
    """The identity, but for an error of 1e-7 in one direction."""

    def forward(p, x):
        return x + 1e-7 * jnp.sin(x), jnp.zeros((), x.dtype)

    return Made({}, forward, lambda p, y: (y, jnp.zeros((), y.dtype)))


def test_an_accuracy_may_be_declared():
    """A map that is off by 1e-7 passes as one of accuracy 1e-6, and fails as one of 1e-8 or without it."""
    checks = ["round_trip_x", "round_trip_y", "log_det_forward"]
    check_bijector(_nearly(), jr.key(0), only=checks, accuracy=1e-6)
    for accuracy in (0.0, 1e-8):
        report = check_bijector(_nearly(), jr.key(0), only=checks, accuracy=accuracy, raises=False)
        assert [result.name for result in report.failures] == checks


def test_unknown_check():
    with pytest.raises(ConfigError) as caught:
        check_bijector(Permute([1, 0]), jr.key(0), only=["log_det"])
    assert str(caught.value) == f"Unknown check 'log_det'. Known: {', '.join(BIJECTOR_CHECKS)}."


def test_checks_one_by_one():
    checks = dict(bijector_checks(Permute([1, 0]), jr.key(0), only=QUICK))
    assert list(checks) == QUICK
    assert {name: check().status for name, check in checks.items()} == dict.fromkeys(QUICK, "passed")


def test_works_with_x64_on():
    with jax.enable_x64(True):
        check_bijector(
            Elementwise(Affine(), (2,)), jr.key(0), quick=True, structure="diagonal", increasing=True
        )
        assert jnp.zeros(()).dtype == jnp.float64


def test_leaves_the_bijector_alone():
    bijector = Elementwise(Affine(), (2,))
    before = jax.tree.map(jnp.copy, bijector)
    check_bijector(bijector, jr.key(0), only=["parameters_used"])
    assert eqx.tree_equal(bijector, before)


def test_every_check_says_what_it_demands():
    assert all(check.__doc__ for check in BIJECTOR_CHECKS.values())
