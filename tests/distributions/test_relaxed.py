"""The Concrete law against the paper's density in float64, integrals, and the limit of its draws."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.special
import scipy.stats

from pushforward.distributions import ExpConcrete, RelaxedOneHotCategorical
from pushforward.errors import ConfigError, ShapeError

LOGITS = np.array([0.3, -1.0, 0.9, 0.0])


def paper(x, temperature, logits):
    """Equation 10 of arXiv:1611.00712, term by term."""
    n, alpha = len(logits), np.exp(logits)
    product = np.prod(
        alpha * x ** (-temperature - 1) / np.sum(alpha * x**-temperature, axis=-1, keepdims=True), axis=-1
    )
    return scipy.special.factorial(n - 1) * temperature ** (n - 1) * product


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_density_is_the_papers(temperature):
    x = np.random.default_rng(0).dirichlet(np.ones(4), size=50)
    law, wanted = RelaxedOneHotCategorical(temperature, LOGITS), np.log(paper(x, temperature, LOGITS))
    np.testing.assert_allclose(law.log_prob(x), wanted, rtol=2e-5, atol=2e-5)
    with jax.enable_x64(True):
        law = RelaxedOneHotCategorical(temperature, LOGITS)
        np.testing.assert_allclose(law.log_prob(x), wanted, rtol=1e-12, atol=1e-12)
        # The log-ratios' density is the paper's in log space: the product of all x is the Jacobian's determinant.
        ratios = np.log(x[:, :-1] / x[:, -1:])
        found = law.ratios.log_prob(ratios)
        np.testing.assert_allclose(found, wanted + np.log(x).sum(axis=-1), rtol=1e-12, atol=1e-12)


def test_density_integrates_to_one_over_the_first_numbers():
    """Gauss-Legendre over the triangle of (x_1, x_2)."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    u, w = (nodes + 1) / 2, weights / 2
    first, share = np.meshgrid(u, u, indexing="ij")
    second = (1 - first) * share
    x = np.stack([first, second, 1 - first - second], axis=-1)
    with jax.enable_x64(True):
        density = np.exp(RelaxedOneHotCategorical(0.8, LOGITS[:3]).log_prob(x))
    assert np.sum(density * (1 - first) * w[:, None] * w) == pytest.approx(1, abs=1e-3)


def test_draws_become_one_hot_with_the_categories_probabilities():
    count = 20000
    x = np.asarray(RelaxedOneHotCategorical(1e-3, LOGITS).sample(jr.key(0), count))
    assert np.mean(x.max(axis=-1) > 0.999) > 0.98
    found = np.mean(x, axis=0)
    wanted = scipy.special.softmax(LOGITS)
    # The means are frequencies but for the few draws in between; 6 standard deviations fail once in 1e8.
    assert np.all(np.abs(found - wanted) < 6 * np.sqrt(wanted * (1 - wanted) / count) + 1e-3)


def test_draws_follow_the_density():
    """The chance that x_1 > x_2 is alpha_1 / (alpha_1 + alpha_2) at any temperature (proposition 1 b)."""
    count = 20000
    x = np.asarray(RelaxedOneHotCategorical(0.7, LOGITS).sample(jr.key(1), count))
    wanted = scipy.special.expit(LOGITS[0] - LOGITS[1])
    assert abs(np.mean(x[:, 0] > x[:, 1]) - wanted) < 6 * np.sqrt(wanted * (1 - wanted) / count)
    np.testing.assert_allclose(x.sum(axis=-1), 1, rtol=1e-6)
    # With two categories the log-ratio is logistic with scale 1 / temperature.
    two = ExpConcrete(0.7, LOGITS[:2])
    draws = np.asarray(two.sample(jr.key(2), count), float)[:, 0]
    exact = scipy.stats.logistic(LOGITS[0] - LOGITS[1], 1)
    assert scipy.stats.kstest(draws * 0.7, exact.cdf).statistic < 0.02
    at = np.array([[-30.0], [0.4], [50.0]])
    np.testing.assert_allclose(two.log_prob(at), exact.logpdf(0.7 * at[:, 0]) + np.log(0.7), rtol=1e-5)


def test_low_temperatures_are_exact_in_log_space():
    """At a temperature of 0.01 the simplex holds zeros and ones; the ratios still have densities and gradients."""
    law = ExpConcrete(0.01, LOGITS)
    x, log_prob = law.sample_and_log_prob(jr.key(0), 1000)
    np.testing.assert_allclose(law.log_prob(x), log_prob, rtol=1e-5, atol=1e-5)
    s = LOGITS - 0.01 * np.append(np.asarray(x, float), np.zeros((1000, 1)), axis=1)
    wanted = np.log(6) + 3 * np.log(0.01) + scipy.special.log_softmax(s, axis=1).sum(axis=1)
    np.testing.assert_allclose(log_prob, wanted, rtol=1e-5, atol=1e-4)
    far = jnp.array([[1e30, -1e30, 0.0], [3e38, 3e38, -3e38]])
    values, gradients = jax.vmap(jax.value_and_grad(lambda x: law._log_prob(x, None)))(far)
    assert np.all(np.isfinite(values))
    assert np.all(np.isfinite(gradients))
    assert law.log_prob(jnp.array([0.0, jnp.inf, 0.0])) == -jnp.inf
    assert np.isnan(law.log_prob(jnp.array([0.0, jnp.nan, 0.0])))


def test_the_temperature_is_not_trained_and_draws_are_smooth_in_the_logits():
    law = RelaxedOneHotCategorical(0.5, LOGITS)
    by_law = jax.grad(lambda law: law._sample_and_log_prob(jr.key(0), None)[0][0])(law)
    assert np.all(np.asarray(by_law.ratios.logits) != 0)
    assert by_law.ratios.temperature.content == 0


@pytest.mark.parametrize("x", [[0.5, 0.5, 0.0, 0.0], [0.2, 0.3, 1.2, -0.7], [1.0, 0.0, 0.0, 0.0]])
def test_outside_of_the_simplex(x):
    assert RelaxedOneHotCategorical(0.5, LOGITS).log_prob(np.array(x)) == -np.inf


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (
            lambda: ExpConcrete(0.5, [1.0]),
            ShapeError,
            "ExpConcrete: expected logits of shape (n,) with n > 1 and one temperature, got shapes (1,) and ().",
        ),
        (
            lambda: ExpConcrete(0.0, LOGITS),
            ConfigError,
            "ExpConcrete: expected temperature > 0, got 1 of 1 values that are not (first at index (): 0).",
        ),
        (
            lambda: ExpConcrete(1.0, [0.0, np.inf]),
            ConfigError,
            "ExpConcrete: expected finite logits, got 1 of 2 values that are not (first at index (1,): inf).",
        ),
    ],
)
def test_errors(build, error, message):
    with pytest.raises(error) as caught:
        build()
    assert str(caught.value) == message
