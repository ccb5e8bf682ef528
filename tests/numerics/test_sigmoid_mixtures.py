"""The logit of a mixture of sigmoids against the plain formula in 80-bit floats, and far out against its asymptotes."""

import jax
import numpy as np

from pushforward.numerics.sigmoid_mixtures import guess_of_inverse, logit_of_mixture

LONG = np.longdouble
RANDOM = np.random.default_rng(0)
LOGITS, LOG_SLOPES, OFFSETS = (scale * RANDOM.normal(size=(4, 1)) for scale in (1.0, 0.7, 2.0))
X = np.concatenate([np.linspace(-30, 30, 61), [1e-6, 0.0]])[None]
function = jax.jit(logit_of_mixture)


def plain(x, logits, log_slopes, offsets):
    """Equation 8 of the paper as it is written; 80-bit floats hold 1 - F down to exp(-44) to three digits and more."""
    x, logits, log_slopes, offsets = (np.asarray(a, LONG) for a in (x, logits, log_slopes, offsets))
    w = np.exp(logits) / np.exp(logits).sum(axis=0)
    z = np.exp(log_slopes) * x + offsets
    up, down = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
    cdf, rest = (w * up).sum(axis=0), (w * down).sum(axis=0)
    density = (w * np.exp(log_slopes) * up * down).sum(axis=0)
    return np.log(cdf / rest), np.log(density / (cdf * rest)), np.abs(z).max(axis=0)


def test_matches_quadruple_precision():
    y, slope, size = plain(X, LOGITS, LOG_SLOPES, OFFSETS)
    for x64, eps in ((False, 1e-6), (True, 1e-14)):
        with jax.enable_x64(x64):
            got_y, got_slope = map(np.asarray, function(X[0], LOGITS, LOG_SLOPES, OFFSETS))
        assert (np.abs(got_y - y.astype(float)) <= eps * (1 + size)).all()
        assert (np.abs(got_slope - slope.astype(float)) <= eps * (1 + size)).all()


def test_far_out_it_is_the_component_that_is_nearest():
    x = np.array([-1e6, 1e6], np.float32)
    y, slope = function(x, LOGITS, LOG_SLOPES, OFFSETS)
    widest = LOG_SLOPES.min()
    np.testing.assert_allclose(slope, widest, atol=1e-5)
    np.testing.assert_allclose(y, np.exp(widest) * x, rtol=1e-4)


def test_one_component_is_a_line():
    y, slope = function(X[0], np.array([[3.0]]), np.array([[0.5]]), np.array([[-1.0]]))
    np.testing.assert_allclose(y, np.exp(0.5) * X[0] - 1, rtol=1e-5, atol=2e-6)
    np.testing.assert_allclose(slope, 0.5, atol=1e-5)
    guess = guess_of_inverse(y, np.array([[3.0]]), np.array([[0.5]]), np.array([[-1.0]]))
    np.testing.assert_allclose(guess, X[0], rtol=1e-5, atol=2e-6)
