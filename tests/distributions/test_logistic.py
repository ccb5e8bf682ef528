import jax
import numpy as np
import pytest
import scipy.stats

from pushforward.distributions import Logistic, StandardLogistic
from pushforward.errors import ConfigError


def test_log_prob_matches_scipy():
    z, scale = (
        grid.ravel()
        for grid in np.meshgrid([0.0, 0.1, -1.0, 5.0, -30.0, 200.0], [1e-30, 1e-3, 1.0, 2.0, 1e15])
    )
    x, loc = z * scale, np.where(scale == 1.0, 0.25, 0.0)
    log_prob = jax.jit(jax.vmap(lambda x, loc, scale: Logistic(loc, scale).log_prob(x)))
    exact = scipy.stats.logistic.logpdf(np.float32(x), np.float32(loc), np.float32(scale))
    bound = (2 + np.abs(exact)) * (2 + np.abs(np.log(scale))) * 5e-7
    assert np.all(np.abs(log_prob(np.float32(x), np.float32(loc), np.float32(scale)) - exact) <= bound)
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            log_prob(x, loc, scale), scipy.stats.logistic.logpdf(x, loc, scale), rtol=1e-13
        )


def test_far_tail():
    assert Logistic(0.0, 2.0).log_prob(1e4) == pytest.approx(-5e3 - np.log(2.0), rel=1e-6)
    assert Logistic(0.0, 1.0).log_prob(-1e30) == pytest.approx(-1e30, rel=1e-6)


def test_moments_normalisation_and_samples(integral, check_samples):
    law = Logistic([0.5, -1.0], [2.0, 0.3])
    exact = scipy.stats.logistic([0.5, -1.0], [2.0, 0.3])
    np.testing.assert_allclose(law.mean(), exact.mean())
    np.testing.assert_allclose(law.variance(), exact.var(), rtol=1e-6)
    np.testing.assert_allclose(law.scale, [2.0, 0.3], rtol=1e-6)
    assert integral(Logistic(0.3, 1.7)) == pytest.approx(1.0, abs=1e-5)
    check_samples(law, [scipy.stats.logistic(0.5, 2.0).cdf, scipy.stats.logistic(-1.0, 0.3).cdf])


def test_error():
    with pytest.raises(ConfigError) as caught:
        Logistic(0.0, -1.0)
    assert (
        str(caught.value)
        == "Logistic: expected scale > 0, got 1 of 1 values that are not (first at index (): -1)."
    )


def test_standard_logistic_for_events_of_any_rank():
    x = np.random.default_rng(0).normal(size=(5, 2, 3)) * [1.0, 10.0, 100.0]
    law = StandardLogistic((2, 3))
    np.testing.assert_allclose(law.log_prob(x), scipy.stats.logistic.logpdf(x).sum((1, 2)), rtol=1e-6)
    np.testing.assert_array_equal(law.mean(), np.zeros((2, 3)))
    np.testing.assert_allclose(law.variance(), np.full((2, 3), np.pi**2 / 3), rtol=1e-6)


def test_standard_logistic_samples(check_samples):
    check_samples(StandardLogistic(()), [scipy.stats.logistic.cdf])
