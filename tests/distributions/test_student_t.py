import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.stats

from pushforward.bijectors.elementwise import Elementwise
from pushforward.bijectors.scalar.affine import Shift
from pushforward.distributions import Flow, Normal, StudentT
from pushforward.errors import ConfigError, ShapeError

DF = [0.1, 0.5, 1.0, 2.0, 5.0, 30.0, 1e3, 1e6]
Z = [0.0, 1e-30, 0.1, -1.0, 3.0, -20.0, 300.0, 1e4, -1e10, 1e19, 1e34]


DF_GRID, SCALE_GRID, Z_GRID = (grid.ravel() for grid in np.meshgrid(DF, [1e-30, 1.0, 2.5], Z))
X_GRID = Z_GRID * SCALE_GRID


@jax.jit
def log_prob_and_gradients(df, scale, x):
    log_prob = lambda df, scale, x: StudentT(df, 0.0, scale).log_prob(x)  # noqa: E731
    return jax.vmap(jax.value_and_grad(log_prob, (0, 1, 2)))(df, scale, x)


@pytest.fixture(scope="module")
def single():
    return jax.tree.map(np.asarray, log_prob_and_gradients(*map(np.float32, (DF_GRID, SCALE_GRID, X_GRID))))


@pytest.fixture(scope="module")
def double():
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, log_prob_and_gradients(DF_GRID, SCALE_GRID, X_GRID))


def test_log_prob_matches_scipy(single, double):
    df, scale, x = (np.float64(np.float32(array)) for array in (DF_GRID, SCALE_GRID, X_GRID))
    exact = scipy.stats.t.logpdf(x, df, 0.0, scale)
    bound = (2 + np.abs(exact)) * np.where(SCALE_GRID == 1, 2e-6, (2 + np.abs(np.log(scale))) * 1e-6)
    assert single[0].dtype == np.float32
    assert np.all(np.abs(single[0] - exact) <= bound)
    exact = scipy.stats.t.logpdf(X_GRID, DF_GRID, 0.0, SCALE_GRID)
    np.testing.assert_allclose(double[0], exact, rtol=2e-9, atol=1e-12)


def test_gradients_in_float32_match_float64(single, double):
    # With respect to log df and log scale, as they are trained, and to z. Two parts may cancel, hence atol.
    size = DF_GRID, SCALE_GRID, SCALE_GRID
    ours, exact = ([g * s for g, s in zip(grid[1], size, strict=True)] for grid in (single, double))
    np.testing.assert_allclose(ours[0], exact[0], rtol=2e-4, atol=1e-8)
    np.testing.assert_allclose(ours[1], exact[1], rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(ours[2], exact[2], rtol=2e-4, atol=1e-28)


def test_limit_is_the_normal():
    x = np.linspace(-6, 6, 64)
    np.testing.assert_allclose(StudentT(1e10).log_prob(x), Normal(0.0, 1.0).log_prob(x), rtol=1e-6)


def test_moments_as_scipy_has_them_and_nan_for_a_mean_that_does_not_exist():
    df = np.array([0.5, 1.5, 3.0, 100.0])
    law = StudentT(df, 2.0, 3.0)
    np.testing.assert_allclose(law.mean(), [np.nan, 2.0, 2.0, 2.0])
    np.testing.assert_allclose(law.variance(), scipy.stats.t(df, 2.0, 3.0).var(), rtol=1e-5)
    np.testing.assert_allclose(law.df, df, rtol=1e-6)
    np.testing.assert_allclose(law.scale, np.full(4, 3.0), rtol=1e-6)


@pytest.mark.parametrize("df", [1.0, 7.0])
def test_normalisation(integral, df):
    assert integral(StudentT(df, 0.3, 1.7)) == pytest.approx(1.0, abs=2e-5)


def test_samples(check_samples):
    df = [0.1, 1.0, 4.0, 1e6]
    check_samples(StudentT(df, 0.5, 2.0), [scipy.stats.t(value, 0.5, 2.0).cdf for value in df])


def test_samples_are_finite_with_finite_gradients_when_tails_leave_the_floats():
    def draw(log_df, scale):
        return StudentT(jnp.exp(log_df), 0.0, scale).sample_and_log_prob(jr.key(0), 4096)

    log_df, scale = jnp.log(jnp.float32(0.03)), jnp.float32(100.0)
    (x, log_prob), (dx, dlog_prob) = jax.jit(lambda *a: jax.jvp(draw, a, (jnp.float32(1), jnp.float32(0))))(
        log_df, scale
    )
    assert np.max(np.abs(x)) > 1e34
    for values in (x, log_prob, dx, dlog_prob):
        assert np.all(np.isfinite(values))


def test_under_a_flow():
    shift = np.float32([[1.0], [-2.0]])
    flow = Flow(StudentT([1.0, 5.0]), Elementwise(Shift(), (2,), jnp.asarray(shift)))
    x = np.float32([[1.5, 0.0], [1e4, -1e4]])
    exact = scipy.stats.t.logpdf(x - shift[:, 0], [1.0, 5.0]).sum(axis=1)
    np.testing.assert_allclose(flow.log_prob(x), exact, rtol=1e-6)
    assert flow.sample(jr.key(0), (3, 2)).shape == (3, 2, 2)


def test_errors():
    with pytest.raises(ConfigError) as caught:
        StudentT([1.0, 0.0])
    assert (
        str(caught.value)
        == "StudentT: expected df > 0, got 1 of 2 values that are not (first at index (1,): 0)."
    )
    with pytest.raises(ConfigError) as caught:
        StudentT(1.0, 0.0, np.inf)
    assert (
        str(caught.value)
        == "StudentT: expected finite scale, got 1 of 1 values that are not (first at index (): inf)."
    )
    with pytest.raises(ShapeError) as caught:
        StudentT(np.ones(2), np.zeros(3))
    assert str(caught.value) == (
        "StudentT: expected parameters whose shapes broadcast, got df of shape (2,), loc of shape (3,), "
        "scale of shape (). "
        "Give each the shape of one event, or a single number."
    )
