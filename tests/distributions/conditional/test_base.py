"""The bound of log-scales."""

import jax
import jax.numpy as jnp
import numpy as np

from pushforward.distributions.conditional.base import log_bounded


def test_log_scales_are_bounded_with_slope_one_at_zero():
    np.testing.assert_allclose(log_bounded(jnp.array([-1e9, 0.0, 1e9]), 2.0), [-2, 0, 2])
    assert jax.grad(log_bounded)(0.0, 2.0) == 1
