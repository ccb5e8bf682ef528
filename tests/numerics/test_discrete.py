"""Log-probabilities of whole numbers against NumPy in float64, at extremes too, and their draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.numerics import discrete

LOGITS = np.array([[0.0, 3.0, -40.0, 1e4, 200.0], [1.0, -2.0, 40.0, -1e4, 0.0], [-1.0, 0.5, 0.0, 1e4, 1e8]])


def test_bernoulli_matches_numpy():
    logit = np.array([0.0, 2.5, -2.5, 60.0, -60.0, 1e8, -1e8])
    for x, sign in ((1.0, -1), (0.0, 1)):
        found = discrete.bernoulli(jnp.full(7, x), jnp.asarray(logit, jnp.float32))
        np.testing.assert_allclose(found, -np.logaddexp(0, sign * logit), rtol=2e-6)


def test_categorical_matches_numpy():
    shifted = LOGITS - LOGITS.max(axis=0)
    expected = shifted - np.log(np.exp(shifted).sum(axis=0))
    for code in range(3):
        found = discrete.categorical(jnp.full(5, float(code)), jnp.asarray(LOGITS, jnp.float32))
        np.testing.assert_allclose(found, expected[code], rtol=2e-6)


@pytest.mark.parametrize("x", [-1.0, 0.5, 3.0, 1e30, np.inf, -np.inf])
def test_what_is_no_value_is_impossible_and_has_no_gradient(x):
    logits = jnp.asarray(LOGITS, jnp.float32)
    for function, parameters in ((discrete.bernoulli, logits[0]), (discrete.categorical, logits)):
        at = jnp.full(5, x)
        assert (function(at, parameters) == -jnp.inf).all()
        for argument in (0, 1):
            gradient = jax.grad(lambda *a, f=function: f(*a)[0], argnums=argument)(at, parameters)
            assert (gradient == 0).all()


def test_nan_stays_nan():
    at, logits = jnp.array([jnp.nan, 1.0]), jnp.zeros((3, 2))
    np.testing.assert_array_equal(np.isnan(discrete.bernoulli(at, logits[0])), [True, False])
    np.testing.assert_array_equal(np.isnan(discrete.categorical(at, logits)), [True, False])


@pytest.mark.parametrize("x", [0.0, 1.0, 2.0])
def test_gradients_at_extreme_logits(x):
    gradient = jax.grad(lambda p: discrete.categorical(jnp.full(5, x), p).sum())(
        jnp.asarray(LOGITS, jnp.float32)
    )
    np.testing.assert_allclose(gradient.sum(axis=0), 0, atol=1e-6)  # softmax sums to one
    assert np.isfinite(jax.grad(lambda p: discrete.bernoulli(jnp.full(5, x), p[0]).sum())(LOGITS)).all()


def test_choose_inverts_the_distribution_function():
    logits = jnp.asarray([0.3, -1e9, 1.0, -0.5, -1e9], jnp.float32)
    ends = np.cumsum(np.exp(np.float64(logits) - 1) / np.exp(np.float64(logits) - 1).sum())
    u = np.concatenate([np.linspace(0, 1, 997, endpoint=False), [1 - 2**-23, 2**-23]]).astype(np.float32)
    u = u[np.abs(u[:, None] - ends[:-1]).min(axis=1) > 1e-6]
    found = discrete.choose(jnp.asarray(u), jnp.broadcast_to(logits[:, None], (5, len(u))))
    np.testing.assert_array_equal(found, np.searchsorted(ends, u, side="right").clip(0, 3))
    assert set(np.unique(found)) == {0, 2, 3}  # never what has probability 0


@pytest.mark.parametrize("weights", [3, 7, 200, 1000])
def test_choose_stays_inside_at_the_largest_uniform_number(weights):
    logits = np.random.default_rng(weights).normal(size=(weights, 4000)).astype(np.float32)
    logits[-1] = -1e9
    assert int(discrete.choose(jnp.full(4000, 1 - 2**-23, jnp.float32), jnp.asarray(logits)).max()) < weights - 1
