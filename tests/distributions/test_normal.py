import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from pushforward.distributions import MultivariateNormal, Normal, StandardNormal
from pushforward.errors import ConfigError, ShapeError

COVARIANCE = np.array([[4.0, 1.0, -0.5], [1.0, 2.0, 0.3], [-0.5, 0.3, 1.0]])
LOC = np.array([0.5, -1.0, 10.0])


def test_standard_normal_matches_scipy_for_events_of_any_rank():
    x = np.random.default_rng(0).normal(size=(5, 2, 3)) * [1.0, 10.0, 1e4]
    law = StandardNormal((2, 3))
    np.testing.assert_allclose(law.log_prob(x), scipy.stats.norm.logpdf(x).sum((1, 2)), rtol=1e-6)
    assert StandardNormal(()).log_prob(0.5) == pytest.approx(scipy.stats.norm.logpdf(0.5), rel=1e-6)
    assert StandardNormal(()).log_prob(float(np.finfo(np.float32).max)) == pytest.approx(-(2.0**95), rel=1e-6)
    np.testing.assert_array_equal(law.mean(), np.zeros((2, 3)))
    np.testing.assert_array_equal(law.variance(), np.ones((2, 3)))


def test_normal_matches_scipy():
    scale = np.array([1e-30, 1e-3, 1.0, 2.0, 1e4, 1e15])
    z = np.array([0.0, 0.1, -1.0, 5.0, -30.0, 1e4])
    z, scale = (grid.ravel() for grid in np.meshgrid(z, scale))
    x, loc = z * scale, np.where(scale == 1.0, 0.25, 0.0)
    # Every element by itself: the sum of 36 of them would hide the small ones.
    log_prob = jax.jit(jax.vmap(lambda x, loc, scale: Normal(loc, scale).log_prob(x)))
    exact = scipy.stats.norm.logpdf(np.float32(x), np.float32(loc), np.float32(scale))
    bound = (2 + np.abs(exact)) * (2 + np.abs(np.log(scale))) * 5e-7
    error = np.abs(log_prob(np.float32(x), np.float32(loc), np.float32(scale)) - exact)
    assert np.all(error <= bound)
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            log_prob(x, loc, scale), scipy.stats.norm.logpdf(x, loc, scale), rtol=1e-13
        )


def test_normal_moments_normalisation_and_samples(integral, check_samples):
    law = Normal(LOC, [2.0, 0.1, 3.0])
    np.testing.assert_allclose(law.mean(), LOC)
    np.testing.assert_allclose(law.variance(), [4.0, 0.01, 9.0], rtol=1e-6)
    np.testing.assert_allclose(law.scale, [2.0, 0.1, 3.0], rtol=1e-6)
    assert integral(Normal(0.3, 1.7)) == pytest.approx(1.0, abs=1e-5)
    check_samples(law, [scipy.stats.norm(m, s).cdf for m, s in zip(LOC, [2.0, 0.1, 3.0], strict=True)])


def test_parameters_broadcast_to_the_event():
    law = Normal(0.0, jnp.ones((2, 3)))
    assert law.event_shape == law.loc.shape == (2, 3)
    assert law.log_prob(np.zeros((4, 2, 3))).shape == (4,)


def test_multivariate_matches_scipy():
    x = np.concatenate([LOC + np.random.default_rng(0).normal(size=(7, 3)), [[1e4, -1e4, 1e4]]])
    exact = scipy.stats.multivariate_normal(LOC, COVARIANCE).logpdf(x)
    np.testing.assert_allclose(MultivariateNormal(LOC, COVARIANCE).log_prob(x), exact, rtol=2e-6)
    units = np.array([1e-15, 1.0, 1e4])
    law = MultivariateNormal(LOC * units, COVARIANCE * np.outer(units, units))
    np.testing.assert_allclose(law.log_prob(x * units), exact - np.sum(np.log(units)), rtol=1e-5)
    with jax.enable_x64(True):
        np.testing.assert_allclose(MultivariateNormal(LOC, COVARIANCE).log_prob(x), exact, rtol=1e-13)


def test_multivariate_from_an_ill_conditioned_covariance():
    # Condition number 1e10: rounded to float32 this matrix has no Cholesky factor.
    axes = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    covariance = axes @ np.diag([1.0, 1e-5, 1e-10]) @ axes.T
    covariance = (covariance + covariance.T) / 2
    factor = np.linalg.cholesky(covariance)
    x = np.float32(np.random.default_rng(2).normal(size=(8, 3)) @ factor.T)
    z = np.linalg.solve(factor, x.T.astype(float)).T
    exact = scipy.stats.norm.logpdf(z).sum(axis=1) - np.sum(np.log(np.diag(factor)))
    # Rounding the factor moves z by 6e-8 / 1e-5 standard deviations.
    np.testing.assert_allclose(MultivariateNormal(0.0, covariance).log_prob(x), exact, atol=0.02)


def test_multivariate_moments_and_samples(check_samples):
    law = MultivariateNormal(LOC, COVARIANCE)
    np.testing.assert_allclose(law.mean(), LOC)
    np.testing.assert_allclose(law.variance(), np.diag(COVARIANCE), rtol=1e-6)
    np.testing.assert_allclose(law.covariance, COVARIANCE, rtol=1e-5, atol=1e-6)
    factor = np.linalg.cholesky(COVARIANCE)
    np.testing.assert_allclose(law.factor, factor, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        MultivariateNormal(LOC, factor=factor).covariance, COVARIANCE, rtol=1e-5, atol=1e-6
    )
    check_samples(
        law, [scipy.stats.norm(m, v**0.5).cdf for m, v in zip(LOC, np.diag(COVARIANCE), strict=True)]
    )


def test_multivariate_samples_have_the_covariance():
    x = np.asarray(MultivariateNormal(LOC, COVARIANCE).sample(jax.random.key(3), 8 * 4096))
    # Standard error of an entry: at most sqrt(2 / n) * 4 = 0.03; six of them.
    np.testing.assert_allclose(np.cov(x.T), COVARIANCE, atol=0.19)
    np.testing.assert_allclose(np.corrcoef(x.T)[0, 1], 1 / 8**0.5, atol=6 / 4096**0.5 / 8**0.5)


def test_multivariate_in_one_dimension(integral):
    law = MultivariateNormal([0.5], [[4.0]])
    assert integral(law) == pytest.approx(1.0, abs=1e-5)
    assert law.lower is None
    np.testing.assert_allclose(law.covariance, [[4.0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (
            lambda: Normal(np.zeros(2), np.ones(3)),
            ShapeError,
            "Normal: expected parameters whose shapes broadcast, got loc of shape (2,), scale of shape (3,). "
            "Give each the shape of one event, or a single number.",
        ),
        (
            lambda: Normal(0.0, [1.0, -0.5, 0.0]),
            ConfigError,
            "Normal: expected scale > 0, got 2 of 3 values that are not (first at index (1,): -0.5).",
        ),
        (
            lambda: Normal([0.0, np.nan], 1.0),
            ConfigError,
            "Normal: expected finite loc, got 1 of 2 values that are not (first at index (1,): nan).",
        ),
        (
            lambda: MultivariateNormal(LOC),
            ConfigError,
            "MultivariateNormal: expected covariance or factor, got neither.",
        ),
        (
            lambda: MultivariateNormal(LOC, COVARIANCE, factor=COVARIANCE),
            ConfigError,
            "MultivariateNormal: expected covariance or factor, got both.",
        ),
        (
            lambda: MultivariateNormal(LOC, np.ones((2, 3))),
            ShapeError,
            "MultivariateNormal: expected a covariance of shape (d, d), d >= 1, got shape (2, 3).",
        ),
        (
            lambda: MultivariateNormal(LOC, np.eye(2)),
            ShapeError,
            "MultivariateNormal: expected loc of shape (2,) or (), got shape (3,).",
        ),
        (
            lambda: MultivariateNormal(0.0, factor=np.diag([1.0, -2.0])),
            ConfigError,
            "MultivariateNormal: expected diagonal of factor > 0, got 1 of 2 values that are not "
            "(first at index (1,): -2).",
        ),
        (
            lambda: MultivariateNormal(0.0, factor=np.array([[1.0, 0.5], [0.5, 1.0]])),
            ConfigError,
            "MultivariateNormal: expected a lower triangular factor, got entries of up to 0.5 above the "
            "diagonal.",
        ),
    ],
)
def test_errors(build, error, message):
    with pytest.raises(error) as caught:
        build()
    assert str(caught.value) == message
