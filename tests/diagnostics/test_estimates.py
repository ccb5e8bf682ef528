"""Expectations and probabilities against closed forms. Keys are fixed: nothing here fails by chance, and "within 6
standard errors" would fail once in 5e8 with other keys."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

from pushforward.diagnostics import Estimate, expectation, tail_probability
from pushforward.diagnostics.estimates import Running
from pushforward.distributions import LogNormal, StandardNormal
from pushforward.errors import ConfigError, DomainError, ShapeError
from pushforward.flows import realnvp

LAW = LogNormal(jnp.array([0.0, 0.5]), jnp.array([0.5, 0.25]))


def first(x):
    return x[0]


def test_expectation_of_a_log_normal():
    found = expectation(LAW, lambda x: x[0] + x[1], jr.key(0), 40_000)
    shapes = [stats.lognorm(0.5), stats.lognorm(0.25, scale=np.exp(0.5))]
    assert found.value == pytest.approx(sum(s.mean() for s in shapes), abs=6 * found.standard_error)
    # The deviation of a log-normal is known from 40,000 draws to a few per cent.
    deviation = np.sqrt(sum(s.var() for s in shapes))
    assert found.standard_error == pytest.approx(deviation / 200, rel=0.05)
    assert found.samples == 40_000


def test_the_error_is_that_of_repeated_estimates():
    values = [expectation(LAW, first, jr.key(seed), 500) for seed in range(100)]
    # The deviation of 100 numbers is known to about 7 %; 6 of these fail once in 1e8.
    assert np.std([v.value for v in values], ddof=1) == pytest.approx(
        np.mean([v.standard_error for v in values]), rel=0.42
    )


def test_blocks_hold_all_draws_once():
    """A million draws in blocks of 8192 have the error that a million draws have."""
    found = expectation(StandardNormal((1,)), lambda x: x[0] ** 2, jr.key(1), 1_000_000, block=8192)
    assert found.standard_error == pytest.approx(np.sqrt(2) / 1000, rel=0.01)
    assert abs(found.value - 1) < 6 * found.standard_error
    assert found.samples == 1_000_000


def test_tail_probability_of_a_normal():
    found = tail_probability(StandardNormal((2,)), lambda x: x[0] > 1.5, jr.key(2), 50_000)
    true = stats.norm.sf(1.5)
    assert found.value == pytest.approx(true, abs=6 * found.standard_error)
    assert found.standard_error == pytest.approx(np.sqrt(true * (1 - true) / 50_000), rel=0.05)


def test_a_region_that_is_never_met_has_an_error():
    found = tail_probability(StandardNormal((1,)), lambda x: x[0] > 50.0, jr.key(0), 1000)
    assert found.value == 0
    assert found.standard_error == pytest.approx(1 / 1000, rel=0.01)


def test_a_context_is_passed_on():
    flow = realnvp(jr.key(0), features=2, context_features=1, layers=2, hidden=(4,))
    found = expectation(flow, lambda x: x[0], jr.key(0), 500, context=jnp.zeros(1))
    draws = np.asarray(flow.sample(jr.fold_in(jr.key(0), 0), (500,), jnp.zeros(1)))[:, 0]
    assert found.value == pytest.approx(draws.mean(), abs=1e-6)


def test_running_mean_and_error_are_those_of_all_rows():
    rows = np.random.default_rng(0).normal(1e6, 1.0, size=(1000, 3))
    running = Running()
    for block in np.split(rows, [1, 10, 500]):
        running.add(block)
    running.add(rows[:0])
    np.testing.assert_allclose(running.mean, rows.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(running.error(), rows.std(axis=0, ddof=1) / 1000**0.5, rtol=1e-8)
    one = Running()
    one.add([3.0])
    assert str(one.estimate()) == str(Estimate(3.0, float("nan"), 1))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: expectation(LAW, lambda x: x, jr.key(0), 10),
            ShapeError,
            "expectation: expected a function that returns one number, got shape (2,).",
        ),
        (
            lambda: expectation(LAW, lambda x: jnp.log(-x[0]), jr.key(0), 10),
            DomainError,
            "expectation: expected a function that is a number at every draw, got NaN at 10.",
        ),
        (
            lambda: expectation(LAW, lambda x: x[0], jr.key(0), 1),
            ConfigError,
            "expectation: expected samples to be a whole number of at least 2, got 1.",
        ),
        (
            lambda: tail_probability(LAW, lambda x: x[0] > 1, jr.key(0), 10, block=0),
            ConfigError,
            "tail_probability: expected block to be a whole number of at least 1, got 0.",
        ),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
