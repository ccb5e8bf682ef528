"""Fitting a flow to a density without data."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import pushforward as pf
from pushforward.distributions import Normal, StandardNormal
from pushforward.errors import ConfigError, NonFiniteLoss, ShapeError
from pushforward.numerics import programs
from pushforward.training import density

LOC, SCALE = np.array([1.0, -2.0]), np.array([0.5, 2.0])


def log_density(x):
    return -0.5 * jnp.sum(((x - LOC) / SCALE) ** 2) + 7.0


def start():
    return Normal(jnp.zeros(2), 1.0)


def fit(flow=None, target=log_density, **options):
    settings = {"key": jr.key(0), "samples": 64, "steps": 300, "progress": False}
    settings["optimizer"] = pf.Optimizer(learning_rate=3e-2, ema=None)
    return pf.fit_to_density(start() if flow is None else flow, target, **settings | options)


@pytest.fixture(scope="module")
def result():
    return fit(gradient="path", steps=600)


def test_a_normal_law_is_found(result):
    """The path gradient has no noise at the optimum, so the fit is exact and the loss is -log Z."""
    np.testing.assert_allclose(result.flow.loc, LOC, atol=1e-3)
    np.testing.assert_allclose(result.flow.scale, SCALE, rtol=1e-3)
    log_z = 7.0 + np.log(2 * np.pi) + np.log(SCALE).sum()
    assert result.history.train_loss[-1] == pytest.approx(-log_z, abs=1e-3)


def test_history_and_result(result):
    history = result.history
    assert (result.stopped, result.steps, result.retries, result.best_validation_loss) == (
        "steps",
        600,
        0,
        None,
    )
    assert history.step == list(range(6, 601, 6))
    assert len(history.train_loss) == len(history.learning_rate) == len(history.seconds) == 100
    assert history.validation_loss == []
    assert history.train_loss[0] > history.train_loss[-1]
    assert all(isinstance(value, float) for value in history.train_loss)


def test_the_flow_given_is_left_alone_and_the_same_call_gives_the_same_bits():
    flow = start()
    first, second = fit(flow, steps=20), fit(flow, steps=20)
    other = fit(flow, steps=20, key=jr.key(1))
    np.testing.assert_array_equal(flow.loc, np.zeros(2))
    np.testing.assert_array_equal(first.flow.loc, second.flow.loc)
    assert np.any(np.asarray(first.flow.loc) != np.asarray(other.flow.loc))


def test_where_the_host_looks_changes_nothing(monkeypatch):
    first = fit(steps=30)
    monkeypatch.setattr(density, "_CHECKS", 7)
    second = fit(steps=30)
    assert len(second.history.step) < len(first.history.step)
    np.testing.assert_array_equal(first.flow.loc, second.flow.loc)


def test_programs_of_earlier_fits_make_room(monkeypatch):
    of_before = jax.jit(lambda x: 2 * x)
    of_before(1.0)
    monkeypatch.setattr(programs, "_memory_maps", lambda: (60_000, 65_530.0))
    monkeypatch.setattr(programs, "_others", 0)
    fit(steps=1)
    assert of_before._cache_size() == 0


def test_annealing_follows_the_schedule():
    plan = density.Plan(8, "total", (0.01, 10000))
    found = [float(plan.beta(jnp.asarray(step))) for step in (0, 5000, 9900, 20000)]
    np.testing.assert_allclose(found, [0.01, 0.51, 1.0, 1.0], rtol=1e-6)
    assert density.Plan(8, "total", None).beta(jnp.asarray(3)) == 1
    # With the power 1/4 and no rise the law has twice the standard deviation.
    flat = fit(gradient="path", steps=600, anneal=(0.25, 10**9))
    np.testing.assert_allclose(flat.flow.scale, 2 * SCALE, rtol=1e-2)


def test_progress_calls_a_function():
    seen = []
    fit(steps=50, progress=seen.append)
    assert [check.step for check in seen] == list(range(1, 51))
    assert seen[-1].epoch == 1


def test_a_fault_halves_the_rate_and_the_run_goes_on():
    """The density is not finite beyond 60, where a rate of 20 soon leads; the guard halves it until it does not."""

    def walled(x):
        return jnp.where(jnp.max(jnp.abs(x)) < 60, -0.5 * jnp.sum((x - 3.0) ** 2), jnp.nan)

    optimizer = pf.Optimizer(learning_rate=20.0, ema=None, warmup=0.0, schedule="constant")
    result = fit(target=walled, steps=40, optimizer=optimizer)
    assert 0 < result.retries <= 8
    assert np.all(np.isfinite(result.flow.loc))


def test_a_density_that_is_not_finite_is_named():
    expected = (
        "fit_to_density: step 0 gave loss nan and gradient norm nan, also after going back 8 times with half the "
        "learning rate each time. Of its 64 draws, 0 have no finite log-density under the flow and 64 none under the "
        "target, first at x = ["
    )
    with pytest.raises(NonFiniteLoss) as caught:
        fit(target=lambda x: jnp.nan * jnp.sum(x**2))
    assert str(caught.value).startswith(expected)
    assert str(caught.value).endswith("]: the flow must draw only where the target is positive.")


def test_ctrl_c_returns_the_flow_so_far():
    def stop(check):
        if check.step == 20:
            raise KeyboardInterrupt

    result = fit(steps=100, progress=stop)
    assert (result.stopped, result.steps) == ("interrupted", 20)
    assert np.any(np.asarray(result.flow.loc) != 0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"flow": 3}, ConfigError, "fit_to_density: expected a flow or another Distribution, got int."),
        ({"flow": StandardNormal((2,))}, ConfigError, "fit_to_density: StandardNormal has nothing to train."),
        (
            {"samples": 0},
            ConfigError,
            "fit_to_density: expected samples to be a whole number of at least 1, got 0.",
        ),
        (
            {"steps": 1.5},
            ConfigError,
            "fit_to_density: expected steps to be a whole number of at least 1, got 1.5.",
        ),
        ({"gradient": "score"}, ConfigError, "fit_to_density: expected gradient total or path, got 'score'."),
        (
            {"anneal": (0.0, 10)},
            ConfigError,
            "fit_to_density: expected anneal to be (start in (0, 1], steps > 0), got (0.0, 10).",
        ),
        (
            {"target": lambda x: -(x**2)},
            ShapeError,
            "fit_to_density: expected a log_density that returns one number for one event of shape (2,), got (2,).",
        ),
    ],
)
def test_errors(options, error, message):
    with pytest.raises(error) as caught:
        fit(**options)
    assert str(caught.value) == message


def test_a_context_is_refused():
    flow = jax.eval_shape(
        lambda: pf.flows.realnvp(jr.key(0), features=2, context_features=1, layers=2, hidden=(4,))
    )
    with pytest.raises(ConfigError, match="expected a flow without context"):
        fit(flow)
