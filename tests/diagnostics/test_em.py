import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.mixture import GaussianMixture

from pushforward.diagnostics import em


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    bent = rng.normal(size=(6000, 3))
    bent[:, 1] += bent[:, 0] ** 2
    return np.concatenate([bent, rng.normal(4.0, 0.1, size=(1000, 3))])


def sklearn_steps(rows, mixture, steps):
    model = GaussianMixture(
        len(mixture.weights),
        max_iter=steps,
        tol=0.0,
        reg_covar=1e-6,
        weights_init=mixture.weights,
        means_init=mixture.means,
        precisions_init=np.linalg.inv(mixture.covariances),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it did not converge: it was not meant to
        return model.fit(rows)


def test_steps_are_those_of_scikit_learn(rows):
    start = em.split_components(em.split_components(em.one_component(rows)))
    ours, log_prob = em.refine(rows, start, steps=5, tolerance=-np.inf)
    theirs = sklearn_steps(rows, start, 5)
    np.testing.assert_allclose(ours.weights, theirs.weights_, rtol=1e-7)
    np.testing.assert_allclose(ours.means, theirs.means_, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ours.covariances, theirs.covariances_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(em.log_density(rows, ours), theirs.score_samples(rows), rtol=1e-8, atol=1e-8)
    assert log_prob == pytest.approx(theirs.lower_bound_, abs=1e-9)


def test_every_step_raises_the_likelihood(rows):
    mixture, before = em.split_components(em.one_component(rows)), -np.inf
    for _ in range(10):
        mixture, log_prob = em.refine(rows, mixture, steps=1, tolerance=-np.inf)
        assert log_prob > before
        before = log_prob


def test_refine_stops_when_it_gains_less(rows):
    start = em.split_components(em.one_component(rows))
    coarse, _ = em.refine(rows, start, steps=500, tolerance=1e-2)
    fine, _ = em.refine(rows, start, steps=500, tolerance=1e-9)
    gain = em.log_density(rows, fine).mean() - em.log_density(rows, coarse).mean()
    assert gain > 1e-3
    again, _ = em.refine(rows, fine, steps=1, tolerance=-np.inf)
    assert em.log_density(rows, again).mean() - em.log_density(rows, fine).mean() < 1e-9


def test_one_component_is_the_normal_of_the_rows(rows):
    mixture = em.one_component(rows)
    covariance = np.cov(rows.T, bias=True) + 1e-6 * np.eye(3)
    expected = stats.multivariate_normal(rows.mean(axis=0), covariance).logpdf(rows)
    np.testing.assert_allclose(em.log_density(rows, mixture), expected, rtol=1e-10, atol=1e-10)


def test_split_keeps_the_moments(rows):
    mixture = em.split_components(em.one_component(rows))
    assert mixture.weights.tolist() == [0.5, 0.5]
    spread = mixture.means - mixture.weights @ mixture.means
    covariance = np.einsum("k,kij->ij", mixture.weights, mixture.covariances)
    np.testing.assert_allclose(mixture.weights @ mixture.means, rows.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(
        covariance + spread.T @ (spread / 2), np.cov(rows.T, bias=True) + 1e-6 * np.eye(3), rtol=1e-9
    )
    assert np.linalg.eigvalsh(mixture.covariances).min() > 0


def test_a_component_without_rows_does_no_harm(rows):
    far = em.Components(np.array([0.5, 0.5]), np.array([[0.0] * 3, [1e3] * 3]), np.tile(np.eye(3), (2, 1, 1)))
    mixture, log_prob = em.refine(rows, far, steps=3, tolerance=-np.inf)
    assert np.isfinite(log_prob)
    assert all(np.isfinite(part).all() for part in mixture)
    assert mixture.weights[1] < 1e-12


def test_one_column():
    rows = np.random.default_rng(0).normal(size=(500, 1))
    mixture, _ = em.refine(rows, em.split_components(em.one_component(rows)), steps=5, tolerance=0.0)
    assert np.isfinite(em.log_density(rows, mixture)).all()
