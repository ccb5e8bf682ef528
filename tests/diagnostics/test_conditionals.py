"""Conditional laws of columns by quadrature against a normal's closed form, and a mixture's by brute force."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

from pushforward.diagnostics import conditionals
from pushforward.distributions import MultivariateNormal, NormalMixture, StandardNormal, Uniform
from pushforward.errors import ShapeError
from pushforward.flows import realnvp


def normal_case(correlation, scale=(1.0, 5.0, 0.2)):
    """A normal, draws of it and what every element's law given the rest is."""
    scale = np.array(scale)
    matrix = np.array([[1, correlation, 0.3], [correlation, 1, 0.3], [0.3, 0.3, 1]]) * np.outer(scale, scale)
    mean = np.array([1.0, -20.0, 0.5])
    law = MultivariateNormal(jnp.asarray(mean), matrix)
    x = np.random.default_rng(0).multivariate_normal(mean, matrix, 500)
    precision = np.linalg.inv(matrix)
    deviation = 1 / np.sqrt(np.diag(precision))
    centre = x - (x - mean) @ precision / np.diag(precision)
    return law, x, centre, deviation


@pytest.mark.parametrize("correlation", [0.0, 0.9, 0.99])
def test_normal(correlation):
    law, x, centre, deviation = normal_case(correlation)
    found = conditionals(law, x[:200], x)
    np.testing.assert_allclose(
        found.log_prob, stats.norm.logpdf(x[:200], centre[:200], deviation), atol=0.005
    )
    np.testing.assert_allclose(found.below, stats.norm.cdf(x[:200], centre[:200], deviation), atol=0.005)
    np.testing.assert_allclose((found.mean - centre[:200]) / deviation, 0, atol=0.01)


def test_elements_far_out():
    law, x, centre, deviation = normal_case(0.9)
    rows = x[:40].copy()
    rows[:, 1] = centre[:40, 1] + 8 * deviation[1]
    found = conditionals(law, rows, x)
    np.testing.assert_allclose(found.log_prob[:, 1], stats.norm.logpdf(8) - np.log(deviation[1]), rtol=0.02)
    np.testing.assert_allclose(found.below[:, 1], 1, atol=1e-4)


def test_two_modes_of_which_the_rest_of_the_row_chooses_one():
    law = NormalMixture([0.5, 0.5], [[-4.0, -4.0], [4.0, 4.0]], [np.eye(2) * 0.25] * 2)
    x = np.asarray(law.sample(jr.key(0), (300,)), np.float64)
    found = conditionals(law, x, x)
    side = np.sign(x[:, ::-1]) * 4
    np.testing.assert_allclose(found.log_prob, stats.norm.logpdf(x, side, 0.5), atol=0.04)
    np.testing.assert_allclose(found.mean, side, atol=0.1)


def test_one_column_is_its_own_condition():
    x = np.linspace(-2, 2, 30)[:, None]
    found = conditionals(StandardNormal((1,)), x, x)
    np.testing.assert_allclose(found.log_prob, stats.norm.logpdf(x), atol=0.02)


def test_a_line_without_density_is_nan():
    law = Uniform(jnp.zeros(2), jnp.ones(2))
    found = conditionals(law, [[0.5, 3.0]], np.random.default_rng(0).uniform(size=(50, 2)))
    assert np.isnan(found.log_prob[0, 0])
    assert found.log_prob[0, 1] == -np.inf


def test_context():
    flow = realnvp(jr.key(0), features=2, context_features=1, layers=2, hidden=(4,))
    x = np.random.default_rng(0).normal(size=(20, 2))
    each = conditionals(flow, x, x, context=np.full((20, 1), 0.5))
    one = conditionals(flow, x, x, context=np.array([0.5]))
    np.testing.assert_allclose(each.log_prob, one.log_prob, atol=1e-5)


def test_errors():
    for arguments, message in [
        (
            (StandardNormal((2, 2)), np.zeros((3, 4)), np.zeros((3, 4))),
            "conditionals: expected a law over vectors, got events of shape (2, 2).",
        ),
        (
            (StandardNormal((2,)), np.zeros((3, 2)), np.zeros((3, 4))),
            "conditionals: expected reference of shape (n, 2), got shape (3, 4).",
        ),
    ]:
        with pytest.raises(ShapeError) as caught:
            conditionals(*arguments)
        assert str(caught.value) == message
