import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Affine, Chain, Continuous, Elementwise, Identity, Invert
from pushforward.distributions import Flow, Normal, StandardNormal
from pushforward.errors import ConfigError
from pushforward.objectives import flow_matching

GOAL = np.float32([2.0, -1.0])
X = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32) + GOAL
ONES = np.ones(64, np.float32)


class Towards(eqx.Module):
    """The velocity of all straight paths to one goal: those through x at time t began in one z."""

    goal: jax.Array
    sigma: float = eqx.field(static=True, default=0.0)

    def __call__(self, t, x, context):
        goal = self.goal if context is None else context
        start = (x - t * goal) / (1 - (1 - self.sigma) * t)
        return goal - (1 - self.sigma) * start


class Constant(eqx.Module):
    value: jax.Array

    def __call__(self, t, x, context):
        return self.value


def flow_of(velocity, *, context=False, base=None, after=()):
    layer = Continuous(velocity, (2,), (2,) if context else None)
    return Flow(base or StandardNormal((2,)), Chain([layer, *after]) if after else layer)


run = eqx.filter_jit(flow_matching)


@pytest.mark.parametrize("sigma", [0.0, 0.1])
@pytest.mark.parametrize("key", [None, 0])
def test_the_velocity_towards_one_point_has_loss_zero(sigma, key):
    """With all data in one point the straight paths do not cross, so nothing is left of the mean square."""
    flow = flow_of(Towards(jnp.asarray(GOAL), sigma))
    key = None if key is None else jr.key(key)
    rows = np.broadcast_to(GOAL, (64, 2))
    assert run(flow, rows, None, ONES, key, sigma=sigma) < 1e-6
    assert run(flow, rows + np.float32([0, 1]), None, ONES, key, sigma=sigma) > 0.5


def test_the_context_reaches_the_velocity():
    flow = flow_of(Towards(jnp.zeros(2)), context=True)
    assert run(flow, X, X, ONES, jr.key(0)) < 1e-6


@pytest.mark.parametrize("key", [None, 1])
def test_a_constant_velocity_leaves_the_variance(key):
    """E|v - (x - z)|^2 = mean |v - x|^2 + 2 if z is standard normal, here over 64 or 512 draws."""
    velocity = np.float32([0.3, 0.1])
    loss = run(flow_of(Constant(jnp.asarray(velocity))), X, None, ONES, None if key is None else jr.key(key))
    apart = np.sum((velocity - X) ** 2, axis=1)
    # Given x, |v - x + z|^2 has variance 4 |v - x|^2 + 4; five standard errors: false failures below 1e-6.
    error = 5 * np.sqrt(np.sum(4 * apart + 4) / (8 if key is None else 1)) / 64
    assert abs(loss - apart.mean() - 2) < error
    assert loss == run(
        flow_of(Constant(jnp.asarray(velocity))), X, None, ONES, None if key is None else jr.key(key)
    )
    assert loss != run(flow_of(Constant(jnp.asarray(velocity))), X, None, ONES, jr.key(2))


def test_times_are_spread_evenly():
    class Clock(eqx.Module):
        def __call__(self, t, x, context):
            return jnp.stack([1.0 + 0 * t, t]) * 1e3  # so large that the rest of the loss does not matter

    flow = flow_of(Clock())
    for key in (None, jr.key(0), jr.key(1)):
        # The mean of 1 + t^2 is 4/3; 64 independent times would be off by 0.04.
        assert abs(run(flow, X, None, ONES, key) / 1e6 - 4 / 3) < 0.02


def test_weights_and_padding():
    flow = flow_of(Towards(jnp.asarray(GOAL)))
    rows = np.where(np.arange(64)[:, None] < 32, GOAL, np.float32(np.inf))
    assert run(flow, rows, None, ONES * (np.arange(64) < 32), None) < 1e-6
    value, slope = eqx.filter_jit(eqx.filter_value_and_grad(flow_matching))(flow, X, None, 0 * ONES, None)
    assert (value, np.abs(slope.bijector.velocity.goal).max()) == (0, 0)
    one, other = (run(flow, X, None, ONES * (np.arange(64) == i), None) for i in (0, 1))
    both = run(flow, X, None, np.where(np.arange(64) < 2, np.float32([1, 3] * 32), 0), None)
    np.testing.assert_allclose(both, (one + 3 * other) / 4, rtol=1e-5)


def test_preprocessing_is_inverted_and_only_the_velocity_learns():
    scaled = Elementwise(Affine(), (2,))
    scaled = eqx.tree_at(lambda map_: map_.params, scaled, jnp.asarray([[0.5, -0.5], [1.0, 1.0]]))
    flow = flow_of(Towards(jnp.asarray(GOAL)), base=Normal(jnp.ones(2), 2.0), after=[Identity((2,)), scaled])
    rows = jax.vmap(scaled.forward)(jnp.broadcast_to(GOAL, (64, 2)))
    value, slope = eqx.filter_jit(eqx.filter_value_and_grad(flow_matching))(flow, rows + 1, None, ONES, None)
    assert run(flow, rows, None, ONES, None) < 1e-5
    assert value > 0.1
    assert np.abs(slope.bijector[0].velocity.goal).min() > 0
    rest = jax.tree.leaves(eqx.filter((slope.base, slope.bijector[2]), eqx.is_inexact_array))
    assert rest
    assert all(not np.any(leaf) for leaf in rest)


@pytest.mark.parametrize(
    ("flow", "sigma", "message"),
    [
        (
            StandardNormal((2,)),
            0.0,
            "flow_matching: expected a Flow whose bijector is a Continuous, or a Chain that begins with one, got "
            "StandardNormal. ffjord builds one with layers=1.",
        ),
        (
            Flow(StandardNormal((2,)), Invert(Identity((2,)))),
            0.0,
            "flow_matching: expected a Flow whose bijector is a Continuous, or a Chain that begins with one, got "
            "Invert. ffjord builds one with layers=1.",
        ),
        (flow_of(Constant(jnp.zeros(2))), 1.0, "flow_matching: expected sigma in [0, 1), got 1.0."),
    ],
)
def test_wrong_arguments(flow, sigma, message):
    with pytest.raises(ConfigError) as caught:
        flow_matching(flow, jnp.zeros((3, 2)), None, jnp.ones(3), sigma=sigma)
    assert str(caught.value) == message
