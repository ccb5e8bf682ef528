"""The reverse KL divergence and both of its gradients, against closed forms between normal laws."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Elementwise, Scale, Shift
from pushforward.bijectors.compose import Chain
from pushforward.distributions import Flow, Normal, StandardNormal
from pushforward.objectives import reverse_kl

LOC, SCALE = np.array([0.5, -1.0]), np.array([2.0, 0.7])


def flow(loc=LOC, scale=SCALE):
    maps = [Elementwise(Scale(), (2,), np.log(scale)[:, None]), Elementwise(Shift(), (2,), loc[:, None])]
    return Flow(StandardNormal((2,)), Chain(maps))


def log_density(x):
    """Three times the standard normal's density."""
    return -0.5 * jnp.sum(x**2) - np.log(2 * np.pi) + np.log(3.0)


def value_and_gradient(law, gradient, samples, beta=1.0, seed=0):
    def loss(law):
        return reverse_kl(law, log_density, jr.key(seed), samples=samples, gradient=gradient, beta=beta)

    value, by_law = jax.jit(jax.value_and_grad(loss))(law)
    scale, shift = (part.params[:, 0] for part in by_law.bijector)
    return float(value), np.asarray(shift), np.asarray(scale)


@pytest.mark.parametrize("gradient", ["total", "path"])
def test_value_and_gradients_are_those_of_the_closed_form(gradient):
    """KL = sum(s^2 + m^2 - 1 - 2 log s) / 2 between normals: by m it is m, by log s it is s^2 - 1."""
    count = 100_000
    value, by_loc, by_log_scale = value_and_gradient(flow(), gradient, count)
    kl = 0.5 * np.sum(SCALE**2 + LOC**2 - 1 - 2 * np.log(SCALE))
    # A single draw's terms have standard deviations of up to 6: an error of 6 of the mean's fails once in 1e8.
    bound = 6 * 6 / np.sqrt(count)
    assert abs(value - (kl - np.log(3.0))) < bound
    assert np.all(np.abs(by_loc - LOC) < bound)
    assert np.all(np.abs(by_log_scale - (SCALE**2 - 1)) < bound)


def test_the_path_gradient_has_no_noise_at_the_optimum_and_the_total_one_has():
    exact = flow(np.zeros(2), np.ones(2))
    for seed in range(3):
        value, by_loc, by_log_scale = value_and_gradient(exact, "path", 4, seed=seed)
        assert value == pytest.approx(-np.log(3.0), abs=1e-5)
        np.testing.assert_allclose(by_loc, 0, atol=1e-6)
        np.testing.assert_allclose(by_log_scale, 0, atol=1e-6)
    _, _, by_log_scale = value_and_gradient(exact, "total", 4)
    assert np.max(np.abs(by_log_scale)) > 0.05


def test_beta_flattens_the_target():
    law = flow()
    draws, log_q = law._sample_and_log_prob(jr.split(jr.key(0), 1)[0], None)
    value, _, _ = value_and_gradient(law, "total", 1, beta=0.25)
    assert value == pytest.approx(float(log_q - 0.25 * log_density(draws)), rel=1e-6)


def test_any_law_with_smooth_draws_can_be_fitted():
    by_law = jax.grad(lambda law: reverse_kl(law, log_density, jr.key(0), samples=8))(Normal(LOC, SCALE))
    assert all(np.all(leaf != 0) for leaf in jax.tree.leaves(by_law))
