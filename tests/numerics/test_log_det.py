"""Log-determinants against slogdet of the dense Jacobian; estimators by their means."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.numerics.log_det import exact_log_det, roulette_log_det, series_log_det, truncation_bound

RANDOM = np.random.default_rng(0)
WEIGHT = RANDOM.normal(size=(4, 4))
WEIGHT = 0.5 * WEIGHT / np.linalg.norm(WEIGHT, 2)
X = RANDOM.normal(size=4)
SIGMAS = 5.5
"""A mean of many draws lies farther out with probability 4e-8; with 40 numbers compared, less than 2e-6 * 0.8."""


def _waves(weight):
    return lambda x: weight @ jnp.sin(x + 0.3)


def _jacobian(weight, x):
    return weight * np.cos(x + 0.3)


def _exact(weight, x):
    return jnp.linalg.slogdet(jnp.eye(4) + weight * jnp.cos(x + 0.3))[1]


def test_exact_is_slogdet_of_the_jacobian():
    with jax.enable_x64(True):
        value, log_det = exact_log_det(_waves(WEIGHT), X)
        np.testing.assert_allclose(value, WEIGHT @ np.sin(X + 0.3), rtol=1e-14)
        np.testing.assert_allclose(
            log_det, np.linalg.slogdet(np.eye(4) + _jacobian(WEIGHT, X))[1], rtol=1e-13
        )


def _draws(estimate, count, chunk=20_000):
    """Estimates and gradients with respect to the weight and x, for as many keys: means and standard errors."""

    def one(key, weight, x):
        value, log_det = estimate(_waves(weight), x, key)
        return log_det, value

    @jax.jit
    def many(keys):
        gradient = jax.value_and_grad(one, (1, 2), has_aux=True)
        return jax.vmap(gradient, (0, None, None))(keys, WEIGHT, X)

    with jax.enable_x64(True):
        parts = [many(jr.split(jr.fold_in(jr.key(0), i), chunk)) for i in range(count // chunk)]
        (log_det, value), gradients = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
        np.testing.assert_allclose(value, np.tile(WEIGHT @ np.sin(X + 0.3), (count, 1)), rtol=1e-12)
    return [(leaf.mean(0), leaf.std(0) / count**0.5) for leaf in (log_det, *gradients)]


def _compare(found, expected):
    for (mean, error), true in zip(found, map(np.asarray, expected), strict=True):
        # Numbers that no sign changes differ by rounding alone.
        assert np.all(np.abs(mean - true) <= SIGMAS * error + 1e-11)
        assert np.all(error <= 0.02)  # an offset of a tenth would be seen


def test_roulette_is_unbiased():
    """So is its gradient, by the memory-saving formula. 21 means of 100,000 draws: it fails by chance with 8e-7."""
    found = _draws(lambda g, x, key: roulette_log_det(g, x, key), 100_000)
    with jax.enable_x64(True):
        expected = [_exact(WEIGHT, X), *jax.grad(_exact, (0, 1))(WEIGHT, X)]
    _compare(found, expected)


@pytest.mark.parametrize("terms", [1, 4])
def test_series_has_the_mean_of_the_truncated_series(terms):
    """And the memory-saving gradient that of the plain one. It fails by chance with 8e-7."""

    def truncated(weight, x):
        jacobian, total, power = weight * jnp.cos(x + 0.3), 0.0, jnp.eye(4)
        for k in range(1, terms + 1):
            power = power @ jacobian
            total += (-1) ** (k + 1) / k * jnp.trace(power)
        return total

    found = _draws(lambda g, x, key: series_log_det(g, x, key, terms=terms), 40_000)
    with jax.enable_x64(True):
        expected = [truncated(WEIGHT, X), *jax.grad(truncated, (0, 1))(WEIGHT, X)]
    _compare(found, expected)


def test_series_is_within_its_bound():
    """For g(x) = -c x nothing is random, and the rest of the series is the bound itself."""
    for c, terms in ((0.5, 3), (0.9, 10)):
        with jax.enable_x64(True):
            _, log_det = series_log_det(lambda x, c=c: -c * x, jnp.ones(3), jr.key(0), terms=terms)
        np.testing.assert_allclose(
            np.asarray(log_det) - 3 * np.log(1 - c), truncation_bound(3, c, terms), rtol=1e-12
        )


@pytest.mark.parametrize(("c", "terms"), [(0.5, 1), (0.9, 20), (0.97, 10)])
def test_truncation_bound_is_the_papers(c, terms):
    paper = -16 * (np.log(1 - c) + sum(c**k / k for k in range(1, terms + 1)))
    np.testing.assert_allclose(truncation_bound(16, c, terms), paper, rtol=1e-9)
    assert truncation_bound(16, 0.0, terms) == 0


def test_a_key_repeats_an_estimate_and_another_does_not():
    with jax.enable_x64(True):
        one, again, other = (
            float(roulette_log_det(_waves(WEIGHT), X, jr.key(seed))[1]) for seed in (1, 1, 2)
        )
    assert one == again != other


def test_the_estimators_keep_nothing_for_each_term():
    """The gradient's program loops over the terms without storing them: no array has an axis for the terms."""
    jaxpr = jax.make_jaxpr(
        jax.grad(lambda w: series_log_det(_waves(w), jnp.ones(4), jr.key(0), terms=37)[1])
    )(jnp.ones((4, 4)))
    assert "while[" in str(jaxpr)
    assert "[37" not in str(jaxpr)
