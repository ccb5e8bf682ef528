import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import pushforward as pf
from pushforward.bijectors import Continuous, Solver, Stack
from pushforward.errors import ConfigError
from pushforward.flows import ffjord
from pushforward.objectives import flow_matching
from pushforward.testing.quadrature import integrate

X = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)


def test_it_is_built_as_asked():
    flow = eqx.filter_eval_shape(
        lambda: ffjord(
            jr.key(0), features=3, context_features=2, layers=2, hidden=(5, 6), method="dopri5", rtol=1e-3
        )
    )
    assert isinstance(flow.bijector, Stack)
    layer = flow.bijector.stacked
    assert layer.solver == Solver("dopri5", 1e-3, 1e-5, 1024, "checkpoint", "nan")
    assert (flow.event_shape, flow.context_shape) == ((3,), (2,))
    assert [leaf.weight.shape for leaf in layer.velocity.layers] == [(2, 5, 3), (2, 6, 5), (2, 3, 6)]
    assert isinstance(eqx.filter_eval_shape(lambda: ffjord(jr.key(0), features=1)).bijector, Continuous)


def test_draws_need_no_divergence(randomised):
    """`sample` leaves it out, and agrees within the tolerances with the draws that come with their densities."""
    flow = randomised(lambda: ffjord(jr.key(0), features=2, hidden=(4,)))
    alone = flow.sample(jr.key(0), (4,))
    np.testing.assert_allclose(alone, flow.sample_and_log_prob(jr.key(0), (4,))[0], atol=1e-4)
    assert np.abs(flow.base.sample(jr.key(0), (4,)) - alone).max() > 0.1


def test_wrong_arguments():
    for arguments, message in (
        ({"features": 0}, "ffjord: expected features to be a whole number of at least 1, got 0."),
        (
            {"features": 2, "hidden": (0,)},
            "ffjord: expected hidden to be a tuple of positive whole numbers, got (0,).",
        ),
        (
            {"features": 2, "method": "euler"},
            "Solver: expected method tsit5 or dopri5 or dopri8, got 'euler'.",
        ),
    ):
        with pytest.raises(ConfigError) as caught:
            eqx.filter_eval_shape(lambda arguments=arguments: ffjord(jr.key(0), **arguments))
        assert str(caught.value) == message


def _two_lumps(count, seed):
    """Two normal lumps of standard deviation 0.3 at (+-1.5, 0); their entropy is known."""
    random = np.random.default_rng(seed)
    centres = np.where(random.integers(0, 2, count) == 1, 1.5, -1.5)
    x = 0.3 * random.normal(size=(count, 2))
    x[:, 0] += centres
    return x.astype(np.float32)


ENTROPY = np.log(2 * np.pi * np.e * 0.3**2) + np.log(2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objective", "steps", "rate"),
    [(pf.objectives.negative_log_likelihood, 300, 1e-2), (flow_matching, 4000, 3e-3)],
    ids=["likelihood", "flow_matching"],
)
def test_it_fits_two_lumps(objective, steps, rate):
    """Within 0.1 nats of the truth; a normal fitted to them is 0.75 nats off. The density integrates to one."""
    x = _two_lumps(4096, 0)
    flow = ffjord(jr.key(0), features=2, hidden=(32, 32), rtol=1e-4, atol=1e-4)
    result = pf.fit(
        flow,
        x,
        key=jr.key(1),
        objective=objective,
        max_epochs=steps // 15,
        batch_size=256,
        optimizer=pf.Optimizer(rate, ema=None),
        progress=False,
    )
    held_out = _two_lumps(2000, 1)
    loss = -float(np.mean(result.flow.log_prob(held_out)))
    assert ENTROPY - 0.1 < loss < ENTROPY + 0.1
    total, error = integrate(
        lambda points: np.exp(np.asarray(result.flow.log_prob(points.astype(np.float32))))[:, None],
        np.array([-6.0, -4.0]),
        np.array([6.0, 4.0]),
        cells=24,
        tolerance=3e-4,
        most=100_000,
    )
    assert abs(float(total[0]) - 1) < 1e-3 + error


@pytest.mark.slow
def test_flow_matching_learns_a_condition():
    """Given c the data are normal round (c, -c): the conditional means follow."""
    random = np.random.default_rng(0)
    context = random.uniform(-1, 1, size=(4096, 1)).astype(np.float32)
    x = np.concatenate([context, -context], axis=1) + 0.2 * random.normal(size=(4096, 2))
    flow = ffjord(jr.key(0), features=2, context_features=1, hidden=(32, 32), rtol=1e-4, atol=1e-4)
    result = pf.fit(
        flow,
        x,
        context,
        key=jr.key(1),
        objective=flow_matching,
        max_epochs=300,
        optimizer=pf.Optimizer(3e-3, ema=None),
        progress=False,
    )
    for c in (-0.8, 0.5):
        draws = np.asarray(result.flow.sample(jr.key(2), (2000,), jnp.asarray([c])))
        np.testing.assert_allclose(draws.mean(axis=0), [c, -c], atol=0.05)
        np.testing.assert_allclose(draws.std(axis=0), [0.2, 0.2], atol=0.05)
