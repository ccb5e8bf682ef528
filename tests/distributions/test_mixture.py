import equinox as eqx
import jax
import numpy as np
import pytest
import scipy.stats
from sklearn.mixture import GaussianMixture

from pushforward.distributions import MultivariateNormal, NormalMixture
from pushforward.errors import ConfigError, ShapeError

WEIGHTS = np.array([0.2, 0.5, 0.3])
MEANS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
COVARIANCES = np.array([[[1.0, 0.5], [0.5, 2.0]], [[0.3, 0.0], [0.0, 3.0]], [[2.0, -1.0], [-1.0, 1.0]]])


def mixture():
    return NormalMixture(WEIGHTS, MEANS, COVARIANCES)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    centres = MEANS[rng.integers(3, size=400)]
    return centres + rng.normal(size=(400, 2)) @ np.array([[1.0, 0.4], [0.0, 0.7]])


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_log_prob_matches_scikit_learn(data, kind):
    peer = GaussianMixture(3, covariance_type=kind, random_state=0, tol=0.1).fit(data)
    arguments = peer.weights_, peer.means_, peer.covariances_
    x = np.concatenate([data[:60], [[1e4, -1e4], [100.0, 30.0], [-3e5, 2.0], [5.0, 5.0]]])
    exact = peer.score_samples(x)
    law = NormalMixture(*arguments, covariance_type=kind)
    np.testing.assert_allclose(law.log_prob(x), exact, rtol=5e-6, atol=2e-5)
    assert (law.lowers is None) == (kind in ("diag", "spherical"))
    with jax.enable_x64(True):
        double = NormalMixture(*arguments, covariance_type=kind)
        np.testing.assert_allclose(double.log_prob(x), exact, rtol=1e-12)


def test_one_component_is_the_multivariate_normal():
    x = np.random.default_rng(0).normal(size=(8, 2))
    law = NormalMixture([3.0], MEANS[1:2], COVARIANCES[:1])
    np.testing.assert_allclose(
        law.log_prob(x), MultivariateNormal(MEANS[1], COVARIANCES[0]).log_prob(x), rtol=1e-6
    )


def test_parameters_come_back():
    law = NormalMixture(10 * WEIGHTS, MEANS, COVARIANCES)
    np.testing.assert_allclose(law.weights, WEIGHTS, rtol=1e-6)
    np.testing.assert_allclose(law.covariances, COVARIANCES, rtol=1e-5, atol=1e-6)
    diagonal = NormalMixture(WEIGHTS, MEANS, [1.0, 2.0, 3.0], covariance_type="spherical")
    np.testing.assert_allclose(
        diagonal.covariances, np.array([1.0, 2.0, 3.0])[:, None, None] * np.eye(2), rtol=1e-6
    )


def test_only_differences_of_logits_matter():
    law = mixture()
    shifted = eqx.tree_at(lambda law: law.logits, law, law.logits + 3.0)
    x = np.float32(MEANS)
    np.testing.assert_allclose(shifted.log_prob(x), law.log_prob(x), rtol=1e-6)
    np.testing.assert_allclose(shifted.mean(), law.mean(), rtol=1e-6)


def test_moments():
    law = mixture()
    mean = WEIGHTS @ MEANS
    second = np.einsum("k,kij->ij", WEIGHTS, COVARIANCES + np.einsum("ki,kj->kij", MEANS, MEANS))
    np.testing.assert_allclose(law.mean(), mean, rtol=1e-6)
    np.testing.assert_allclose(law.variance(), np.diag(second) - mean**2, rtol=1e-5)


def test_samples_follow_the_marginals(check_samples):
    def cdf(i):
        return lambda x: sum(
            w * scipy.stats.norm(m[i], c[i, i] ** 0.5).cdf(x)
            for w, m, c in zip(WEIGHTS, MEANS, COVARIANCES, strict=True)
        )

    check_samples(mixture(), [cdf(0), cdf(1)])


def test_samples_of_each_component():
    x = np.asarray(mixture().sample(jax.random.key(5), 8 * 4096))
    nearest = np.argmin(np.sum((x[:, None] - MEANS) ** 2, axis=2), axis=1)
    # Five standard deviations of a binomial proportion, 5 * sqrt(0.25 / 32768) = 0.014.
    np.testing.assert_allclose(np.bincount(nearest) / len(x), WEIGHTS, atol=0.014)
    for k in range(3):
        np.testing.assert_allclose(np.cov(x[nearest == k].T), COVARIANCES[k], atol=0.25)


def test_normalisation_in_one_dimension(integral):
    law = NormalMixture(WEIGHTS, [[-3.0], [0.0], [8.0]], np.array([1.0, 0.2, 4.0]).reshape(3, 1, 1))
    assert law.lowers is None
    assert integral(law) == pytest.approx(1.0, abs=1e-5)


def test_tight_far_components_keep_their_digits():
    # Standard deviation 1e-3 at 1000: x - mean is exact in float32, a difference of products would not be.
    mean = np.float32([[1000.0, -1000.0], [1001.0, 999.0]])
    law = NormalMixture([0.5, 0.5], mean, np.array([np.eye(2), np.eye(2)]) * 1e-6)
    x = mean[0] + np.float32([2.0**-10, -(2.0**-10)])
    z = 2.0**-10 / 1e-3
    exact = np.log(0.5) - z**2 - np.log(2 * np.pi) - 2 * np.log(1e-3)
    assert law.log_prob(x) == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "kind", "error", "message"),
    [
        (
            (WEIGHTS, MEANS, COVARIANCES),
            "banded",
            ConfigError,
            "NormalMixture: expected covariance_type to be one of full, tied, diag, spherical, got 'banded'.",
        ),
        (
            (WEIGHTS[:2], MEANS, COVARIANCES),
            "full",
            ShapeError,
            "NormalMixture: expected weights of shape (K,) and means of shape (K, d), got weights of "
            "shape (2,), "
            "means of shape (3, 2).",
        ),
        (
            (WEIGHTS, MEANS, MEANS + 1),
            "full",
            ShapeError,
            "NormalMixture: expected full covariances of shape (3, 2, 2) for means of shape (3, 2), got "
            "shape (3, 2). "
            "Say what they hold with covariance_type.",
        ),
        (
            (WEIGHTS - 0.2, MEANS, COVARIANCES),
            "full",
            ConfigError,
            "NormalMixture: expected weights > 0, got 1 of 3 values that are not (first at index (0,): 0).",
        ),
        (
            (WEIGHTS, MEANS, MEANS),
            "diag",
            ConfigError,
            "NormalMixture: expected covariances > 0, got 4 of 6 values that are not (first at index (0, "
            "0): 0).",
        ),
        (
            (WEIGHTS, np.full((3, 2), np.nan), COVARIANCES),
            "full",
            ConfigError,
            "NormalMixture: expected finite means, got 6 of 6 values that are not (first at index (0, 0): "
            "nan).",
        ),
        (
            (WEIGHTS, MEANS, COVARIANCES - 3 * np.eye(2)),
            "full",
            ConfigError,
            "NormalMixture: expected a positive definite covariance, got one with the eigenvalue -2.7. "
            "Add a small multiple of the identity to it.",
        ),
    ],
)
def test_errors(arguments, kind, error, message):
    with pytest.raises(error) as caught:
        NormalMixture(*arguments, covariance_type=kind)
    assert str(caught.value) == message
