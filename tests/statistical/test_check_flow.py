"""check_flow as a whole: correct laws pass under many keys, and stated discrepancies are found under every one."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.distributions import StandardNormal, StudentT
from pushforward.testing import check_flow
from pushforward.testing.mutants import MadeLaw
from pushforward.testing.mutants.lawless import normal_density, normal_draw

RANDOM = ["normalised", "samples_follow_log_prob", "key_respected"]
X = np.random.default_rng(0).normal(size=(4, 3))

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "law", [StandardNormal((3,)), StudentT(jnp.array([1.0, 3.0, 9.0]))], ids=["normal", "student"]
)
def test_correct_laws_pass(law, seed):
    check_flow(law, X, jr.key(seed), only=RANDOM)


@pytest.mark.parametrize("seed", range(5))
def test_a_tenth_less_spread_in_one_of_three_is_found(seed):
    def draw(p, key):
        return p["loc"] + (normal_draw(p, key) - p["loc"]) * jnp.array([1.0, 0.9, 1.0])

    law = MadeLaw(normal_density, draw, parameters={"loc": jnp.zeros(3)}, event_shape=(3,))
    assert not check_flow(law, X, jr.key(seed), only=RANDOM, raises=False).ok
