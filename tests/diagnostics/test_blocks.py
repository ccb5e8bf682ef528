import jax
import numpy as np
import pytest

from pushforward.diagnostics.blocks import BLOCK, draws, log_probs
from pushforward.distributions import StandardNormal
from pushforward.flows import realnvp


@pytest.mark.parametrize("count", [0, 3, BLOCK + 1])
def test_log_densities_are_those_of_the_law(count):
    flow = realnvp(jax.random.key(0), features=2, context_features=1, layers=1, hidden=(4,))
    rows, given = np.random.default_rng(0).normal(size=(2, count, 2))
    found = log_probs(flow, rows, given[:, :1])
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, flow.log_prob(rows, given[:, :1]), atol=1e-5)


def test_draws_differ_and_repeat():
    law, key = StandardNormal((2,)), jax.random.key(0)
    found = draws(law, key, BLOCK + 5)
    assert found.shape == (BLOCK + 5, 2)
    assert len(np.unique(found[:, 0])) == BLOCK + 5
    np.testing.assert_array_equal(found, draws(law, key, BLOCK + 5))


def test_each_draw_has_its_condition():
    flow = realnvp(jax.random.key(0), features=1, context_features=1, layers=1, hidden=(4,))
    given = np.repeat([[0.0], [50.0]], 300, axis=0)
    found = draws(flow, jax.random.key(1), 600, given)
    other = draws(flow, jax.random.key(1), 600, np.zeros((600, 1)))
    np.testing.assert_allclose(found[:300], other[:300], atol=1e-6)
