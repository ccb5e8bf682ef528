"""Importance estimates of normalisers against closed forms."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.diagnostics import integrate, log_normalizer
from pushforward.distributions import Normal, StandardNormal
from pushforward.errors import ConfigError, DomainError, ShapeError
from pushforward.flows import realnvp


def log_density(x):
    """5 times the normal density of standard deviation 0.8."""
    return np.log(5.0) - 0.5 * jnp.sum((x / 0.8) ** 2) - x.size * np.log(0.8 * np.sqrt(2 * np.pi))


def test_normaliser_error_and_effective_number_against_closed_forms():
    """E w^2 / (E w)^2 = 1 / (s sqrt(2 - s^2)) a dimension, for a normal target of deviation s."""
    count = 50_000
    found = log_normalizer(StandardNormal((2,)), log_density, jr.key(0), count)
    ratio = (1 / (0.8 * np.sqrt(2 - 0.8**2))) ** 2
    assert found.effective_samples == pytest.approx(count / ratio, rel=0.02)
    assert found.standard_error == pytest.approx(np.sqrt((ratio - 1) / count), rel=0.1)
    assert abs(found.value - np.log(5.0)) < 6 * found.standard_error
    kl = 2 * (0.5 * (1 / 0.64 - 1) + np.log(0.8))
    assert found.elbo == pytest.approx(np.log(5.0) - kl, abs=0.05)


def test_the_error_is_that_of_repeated_estimates():
    values = [log_normalizer(StandardNormal((2,)), log_density, jr.key(seed), 1000) for seed in range(60)]
    spread = np.std([value.value for value in values], ddof=1)
    # The deviation of 60 numbers is known to about 9 %; 6 of these fail once in 1e8.
    assert spread == pytest.approx(np.mean([value.standard_error for value in values]), rel=0.55)
    assert np.mean([value.value for value in values]) == pytest.approx(
        np.log(5.0), abs=6 * spread / np.sqrt(60)
    )


def test_a_perfect_proposal_has_no_error():
    found = log_normalizer(Normal(jnp.zeros(2), 0.8), log_density, jr.key(0), 500)
    assert found.value == pytest.approx(np.log(5.0), abs=1e-5)
    assert found.standard_error < 1e-4
    assert found.effective_samples == pytest.approx(500, rel=1e-4)


def test_half_of_the_mass_is_enough_to_lose_log_2_and_a_hard_support_is_fine():
    found = log_normalizer(
        StandardNormal((1,)),
        lambda x: jnp.where(x[0] > 0, StandardNormal((1,))._log_prob(x, None), -jnp.inf),
        jr.key(0),
        20_000,
    )
    assert found.value == pytest.approx(-np.log(2), abs=0.05)
    assert found.elbo == -np.inf


def test_few_effective_draws_warn():
    expected = (
        r"log_normalizer: 200 draws count as \d+\.\d effective ones, too few to trust the estimate\. Take"
    )
    with pytest.warns(RuntimeWarning, match=expected):
        log_normalizer(StandardNormal((2,)), lambda x: -0.5 * jnp.sum((x - 3) ** 2), jr.key(0), 200)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            (StandardNormal((2,)), log_density, jr.key(0), 1),
            ConfigError,
            "log_normalizer: expected samples to be a whole number of at least 2, got 1.",
        ),
        (
            (StandardNormal((2,)), lambda x: x, jr.key(0), 10),
            ShapeError,
            "log_normalizer: expected a log_density that returns one number, got shape (2,).",
        ),
        (
            (StandardNormal((2,)), lambda x: jnp.log(-jnp.abs(x[0])), jr.key(0), 10),
            DomainError,
            "log_normalizer: expected finite weights, got 10 that are NaN or infinite among 10 draws.",
        ),
        (
            (StandardNormal((2,)), lambda x: jnp.full((), -jnp.inf), jr.key(0), 10),
            DomainError,
            "log_normalizer: expected finite weights, got none above zero among 10 draws.",
        ),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error) as caught:
        log_normalizer(*arguments)
    assert str(caught.value) == message


def test_a_flow_with_a_context_is_refused():
    flow = realnvp(jr.key(0), features=2, context_features=1, layers=2, hidden=(4,))
    with pytest.raises(ConfigError, match="expected a flow without context, got one with contexts of shape"):
        log_normalizer(flow, log_density, jr.key(0))


def test_integral_of_a_function_that_changes_its_sign():
    """The integral of (x + 0.5) exp(-x^2 / 2 s^2) over the line is 0.5 s sqrt(2 pi)."""
    found = integrate(
        lambda x: (x[0] + 0.5) * jnp.exp(-0.5 * (x[0] / 0.7) ** 2), StandardNormal((1,)), jr.key(0), 50_000
    )
    assert found.value == pytest.approx(0.35 * np.sqrt(2 * np.pi), abs=6 * found.standard_error)
    assert found.standard_error < 0.01
    assert 100 < found.effective_samples < 50_000
    assert found.samples == 50_000


def test_the_integral_of_the_flows_own_density_is_exact():
    law = Normal(jnp.array([1.0, -2.0]), 0.5)
    found = integrate(lambda x: 3 * jnp.exp(law._log_prob(x, None)), law, jr.key(0), 500)
    assert found.value == pytest.approx(3, rel=1e-5)
    assert found.standard_error < 1e-5
    assert found.effective_samples == pytest.approx(500, rel=1e-4)


def test_expectations_under_an_unnormalised_density_in_blocks():
    target = Normal(jnp.array([0.5, -0.3]), 0.8)
    found = integrate(
        lambda x: x[0] * x[1] + 10,
        StandardNormal((2,)),
        jr.key(3),
        50_000,
        log_density=lambda x: target._log_prob(x, None) + 300.0,
        block=7000,
    )
    assert found.value == pytest.approx(10 - 0.15, abs=6 * found.standard_error)
    assert found.standard_error < 0.01


def test_the_errors_of_integrals_are_those_of_repeated_ones():
    for function, target in (
        (lambda x: jnp.exp(-jnp.sum(x**2)), None),
        (lambda x: x[0], lambda x: -0.5 * jnp.sum((x - 0.5) ** 2) / 0.64),
    ):
        values = [
            integrate(function, StandardNormal((2,)), jr.key(seed), 1000, log_density=target)
            for seed in range(60)
        ]
        spread = np.std([value.value for value in values], ddof=1)
        # As above, 6 times the 9 % of the deviation of 60 numbers.
        assert spread == pytest.approx(np.mean([value.standard_error for value in values]), rel=0.55)


def test_few_effective_draws_of_an_integral_warn():
    with pytest.warns(RuntimeWarning, match="integrate: 200 draws count as"):
        integrate(lambda x: jnp.exp(-0.5 * jnp.sum((x - 3) ** 2)), StandardNormal((2,)), jr.key(0), 200)


def test_errors_of_integrate():
    with pytest.raises(DomainError) as caught:
        integrate(lambda x: 0.0 * x[0], StandardNormal((1,)), jr.key(0), 20)
    assert str(caught.value) == "integrate: expected finite weights, got none above zero among 20 draws."
    with pytest.raises(ShapeError) as caught:
        integrate(lambda x: x[0], StandardNormal((1,)), jr.key(0), 20, log_density=lambda x: x)
    assert str(caught.value) == "integrate: expected a log_density that returns one number, got shape (1,)."
