"""p-values are calibrated, and surprises name the column that was tampered with."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from pushforward.diagnostics import p_values, surprises
from pushforward.distributions import MultivariateNormal
from pushforward.errors import ShapeError

COVARIANCE = 0.95 + 0.05 * np.eye(5)
LAW = MultivariateNormal(jnp.zeros(5), COVARIANCE)


def draws(count, seed):
    return np.random.default_rng(seed).multivariate_normal(np.zeros(5), COVARIANCE, count)


def test_p_values_by_hand():
    found = p_values([-10.0, -2.0, -1.5, 0.0, np.nan, -np.inf], [-3.0, -2.0, -1.0])
    np.testing.assert_allclose(found, [1 / 4, 3 / 4, 3 / 4, 1, np.nan, 1 / 4])


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_p_values_are_calibrated_for_a_right_and_a_wrong_law(shift):
    """Over 4000 pairs of held-out rows and a row, P(p <= a) is at most a; with 6 deviations of a share's noise."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(4000, 40))
    log_probs = stats.norm.logpdf(rows, shift)
    found = np.array([p_values(each[:1], each[1:])[0] for each in log_probs])
    for level in (0.05, 0.2, 0.5):
        share = np.mean(found <= level)
        noise = 6 * np.sqrt(level * (1 - level) / 4000)
        assert level - 1 / 40 - noise < share < level + noise


def test_surprises_of_a_normal_are_those_of_its_conditionals():
    rows, reference = draws(50, 0), draws(800, 1)
    found = surprises(LAW, rows, reference)
    precision = np.linalg.inv(COVARIANCE)
    deviation = 1 / np.sqrt(np.diag(precision))
    z = (rows @ precision) / np.diag(precision) / deviation
    np.testing.assert_allclose(found.value, -stats.norm.logpdf(z) + np.log(deviation), atol=0.01)
    # An element is less surprising than the share of normal numbers that are farther from 0; 500 reference rows know
    # shares within 0.13 (6 deviations).
    np.testing.assert_allclose(found.rank, 1 - 2 * stats.norm.sf(np.abs(z)), atol=0.13)


def test_a_planted_element_is_named():
    rows, reference = draws(200, 2), draws(1000, 3)
    planted = np.random.default_rng(4).integers(5, size=200)
    everyone = np.arange(200)
    rows[everyone, planted] += 1.5 * np.random.default_rng(5).choice([-1, 1], 200)  # 6 conditional deviations
    found = surprises(LAW, rows, reference)
    assert np.mean(found.order()[:, 0] == planted) >= 0.95
    assert found.rank[everyone, planted].mean() > 0.98
    # No single column tells: the elements themselves are not extreme.
    assert np.mean(np.argmax(np.abs(rows), axis=1) == planted) < 0.8


def test_some_columns_only():
    rows, reference = draws(5, 0), draws(100, 1)
    found = surprises(LAW, rows, reference, columns=[3])
    assert np.isnan(found.excess[:, :3]).all()
    assert np.isfinite(found.excess[:, 3]).all()
    assert (found.order()[:, 0] == 3).all()


def test_errors():
    for call, message in [
        (
            lambda: p_values([1.0], []),
            "p_values: expected log-densities of shapes (n,) and (m,), m >= 1, got (1,) and (0,).",
        ),
        (
            lambda: surprises(LAW, np.zeros(5), np.zeros((4, 5))),
            "surprises: expected rows of shape (n, 5), got shape (5,).",
        ),
    ]:
        with pytest.raises(ShapeError) as caught:
            call()
        assert str(caught.value) == message
