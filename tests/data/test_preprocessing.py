import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.interpolate
import scipy.stats as stats

from pushforward.bijectors import LU, Invert, Marginals, Reverse
from pushforward.data import preprocessing
from pushforward.data.preprocessing import knots_for, learn, marginals, to_scores, whitening
from pushforward.errors import ConfigError, DomainError
from pushforward.flows import realnvp
from pushforward.flows.table import join

STEPS = ("marginals", "whitening", "marginals")
ROWS = 5000
LAWS = {
    "normal": stats.norm(3, 0.1),
    "skewed": stats.lognorm(2),
    "heavy-tailed": stats.cauchy(),
    "one-sided": stats.expon(),
    "bounded": stats.uniform(-1, 2),
    "bimodal": None,
}


def sample(name, rows, seed):
    random = np.random.default_rng(seed)
    if LAWS[name] is None:
        return np.where(random.random(rows) < 0.5, random.normal(-3, 0.1, rows), random.normal(3, 1, rows))
    return LAWS[name].rvs(rows, random_state=random)


def log_density(name, x):
    if LAWS[name] is None:
        return np.log(stats.norm.pdf(x, -3, 0.1) / 2 + stats.norm.pdf(x, 3, 1) / 2)
    return LAWS[name].logpdf(x)


def excess_loss(fitted, x, truth):
    """Nats per row that the normal law of the scores loses against the true density."""
    scores, log_dets = to_scores([fitted], x[:, None])
    return float(np.mean(truth - stats.norm.logpdf(scores[:, 0]) - log_dets))


def test_more_rows_get_more_knots():
    assert [knots_for(rows) for rows in (10, 1000, 27_000, 10**7)] == [8, 20, 60, 128]


# Marginals


@pytest.mark.parametrize("name", LAWS)
def test_scores_are_normal_and_the_density_is_near_the_true_one(name):
    fitted = marginals(sample(name, ROWS, 1)[:, None], knots_for(ROWS))
    held_out = sample(name, 20_000, 2)
    scores, _ = to_scores([fitted], held_out[:, None])
    # The quantiles of 5000 rows are uncertain by 0.007; the distance below holds with five times that.
    assert stats.kstest(scores[:, 0], "norm").statistic < 0.035
    assert excess_loss(fitted, held_out, log_density(name, held_out)) < (0.1 if name == "bimodal" else 0.02)


def test_one_absurd_row_spoils_its_own_bin_alone():
    x = sample("normal", ROWS, 1)
    held_out = sample("normal", 20_000, 2)
    fitted = marginals(np.append(x, 1e6)[:, None], knots_for(ROWS))
    assert excess_loss(fitted, held_out, log_density("normal", held_out)) < 0.1


def test_ties_get_the_score_of_their_middle():
    """Half of the rows are 0, and none is below."""
    random = np.random.default_rng(0)
    x = np.where(random.random(ROWS) < 0.5, 0.0, random.exponential(size=ROWS))
    fitted = marginals(x[:, None], knots_for(ROWS))
    scores, _ = to_scores([fitted], np.zeros((1, 1)))
    assert abs(scores[0, 0] - stats.norm.ppf(0.25)) < 0.1


@pytest.mark.parametrize("values", [[0, 1], [0, 1, 2, 3], [-1e6, 1e6], [0, 1e-30], [1, 2, 500]])
def test_discrete_columns_have_finite_increasing_scores(values):
    x = np.resize(np.array(values, float), 200)
    fitted = marginals(x[:, None], 32)
    scores, log_dets = to_scores([fitted], np.sort(values)[:, None])
    assert np.isfinite(log_dets).all()
    assert (np.diff(scores[:, 0]) > 0.1).all()


@pytest.mark.parametrize("rows", [2, 3, 10])
@pytest.mark.parametrize("knots", [2, 3, 64])
def test_few_rows_are_enough(rows, knots):
    x = np.random.default_rng(rows).normal(size=(rows, 2))
    scores, log_dets = to_scores([marginals(x, knots)], x)
    assert np.isfinite(scores).all()
    assert np.isfinite(log_dets).all()
    np.testing.assert_array_equal(np.argsort(scores, axis=0), np.argsort(x, axis=0))


def test_knots_increase_in_float32_where_the_column_allows_it():
    """Around a million float32 knows steps of 1/16; closer quantiles are merged."""
    x = 1e6 + 100 * np.random.default_rng(0).normal(size=(ROWS, 1))
    fitted = marginals(x, 128)
    steps = np.diff(fitted.values.value)
    assert steps.min() > 0.1


def test_inner_slopes_are_those_of_monotone_interpolation():
    random = np.random.default_rng(0)
    xs, ys = (np.cumsum(random.exponential(size=(1, 12)), axis=1) for _ in range(2))
    slopes = preprocessing.knot_slopes(xs, ys)
    expected = scipy.interpolate.PchipInterpolator(xs[0], ys[0]).derivative()(xs[0])
    np.testing.assert_allclose(slopes[0, 1:-1], expected[1:-1], rtol=1e-10)
    secants = np.diff(ys[0]) / np.diff(xs[0])
    np.testing.assert_allclose(slopes[0, [0, -1]], secants[[0, -1]])


# Whitening


@pytest.fixture(scope="module")
def correlated():
    """Columns of scales from 1e-6 to 1e6, strongly correlated, far from zero."""
    random = np.random.default_rng(0)
    mixed = random.normal(size=(ROWS, 4)) @ np.tril(random.normal(size=(4, 4)) + 2)
    return mixed * np.array([1e-6, 1, 1e6, 10]) + np.array([1e-5, 3, -1e6, 0])


def test_whitening_gives_unit_covariance(correlated):
    scores, log_dets = to_scores([whitening(correlated)], correlated)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(np.cov(scores.T), np.eye(4), atol=2e-3)
    np.testing.assert_allclose(log_dets, -np.linalg.slogdet(np.cov(correlated.T))[1] / 2, atol=0.01)


def test_whitening_is_regression_on_the_columns_before(correlated):
    fitted = whitening(correlated)
    changed = correlated.copy()
    changed[:, 2] += 1e5
    (before, _), (after, _) = (to_scores([fitted], rows) for rows in (correlated, changed))
    np.testing.assert_array_equal(before[:, :2], after[:, :2])
    assert np.abs(before[:, 2:] - after[:, 2:]).min() > 1e-3


def test_whitening_survives_columns_that_are_sums_of_others():
    x = np.random.default_rng(0).normal(size=(100, 2))
    scores, log_dets = to_scores(
        [whitening(np.column_stack([x, x.sum(axis=1)]))], np.column_stack([x, x.sum(axis=1)])
    )
    assert np.isfinite(scores).all()
    assert np.isfinite(log_dets).all()


# All steps


@pytest.fixture(scope="module")
def rows():
    """A skewed, a heavy-tailed and a discrete column, and one that depends on the first."""
    random = np.random.default_rng(0)
    skewed, heavy = np.exp(random.normal(size=500)), 100 * random.standard_cauchy(500)
    return np.column_stack([skewed, heavy, random.integers(0, 4, 500), skewed**2 + random.normal(size=500)])


@pytest.fixture(scope="module")
def learned(rows):
    return learn(rows, STEPS, 16)


def test_learn_returns_a_bijector_for_each_step_learned_on_the_scores_before(rows, learned):
    assert [type(bijector) for bijector in learned] == [Marginals, Invert, Marginals]
    assert isinstance(learned[1].bijector, LU)
    scores = rows
    for bijector, learn_alone in zip(
        learned, (lambda s: marginals(s, 16), whitening, lambda s: marginals(s, 16)), strict=True
    ):
        alone = learn_alone(scores)
        for one, other in zip(jax.tree.leaves(bijector), jax.tree.leaves(alone), strict=True):
            np.testing.assert_array_equal(one, other)
        scores, _ = to_scores([bijector], scores)
    np.testing.assert_allclose(np.corrcoef(scores.T), np.eye(4), atol=0.3)


def test_to_scores_is_what_the_flow_does(rows, learned):
    inner = realnvp(jr.key(0), features=4, layers=1, hidden=(4,))
    flow = join(inner, learned)
    scores, log_dets = to_scores(learned, rows)
    stages = flow.to_base(rows)
    np.testing.assert_allclose(inner.to_base(scores), stages, atol=2e-4)
    np.testing.assert_allclose(flow.log_prob(rows), inner.log_prob(scores) + log_dets, rtol=1e-4, atol=2e-3)


def test_a_row_a_million_deviations_away_is_finite_with_its_gradient(rows, learned):
    flow = join(realnvp(jr.key(0), features=4, layers=1, hidden=(4,)), learned)
    deviation = np.subtract(*np.quantile(rows, [0.75, 0.25], axis=0))
    far = jnp.asarray([rows[0], rows[0] + 1e6 * deviation, rows[0] - 1e6 * deviation, rows[1]], jnp.float32)

    def loss(flow, far):
        log_prob = flow.log_prob(far)
        return jnp.sum(log_prob), log_prob

    arrays, static = eqx.partition(flow, eqx.is_inexact_array)
    gradients, log_prob = jax.jit(
        lambda arrays, far: jax.grad(lambda a, x: loss(eqx.combine(a, static), x), (0, 1), has_aux=True)(
            arrays, far
        )
    )(arrays, far)
    assert np.isfinite(log_prob).all()
    assert log_prob.min() > -1000
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))
    scores, log_dets = to_scores(learned, np.asarray(far))
    assert np.isfinite(scores).all()
    assert np.isfinite(log_dets).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: learn(np.array([[1.0, 2.0], [1.0, 3.0]]), STEPS, 8),
            ConfigError,
            "learn: column 0 is constant (1.0): leave it out.",
        ),
        (
            lambda: marginals(np.array([[1.0, 2.0], [3.0, 2.0]]), 8),
            ConfigError,
            "marginals: column 1 is constant (2.0): leave it out.",
        ),
        (
            lambda: whitening(np.ones((1, 2))),
            ConfigError,
            "whitening: column 0 is constant (1.0): leave it out.",
        ),
        (
            lambda: learn(np.array([[1.0, np.nan], [np.inf, 3.0]]), STEPS, 8),
            DomainError,
            "learn: expected finite rows, got 2 values that are not.",
        ),
        (
            lambda: marginals(np.array([[0.0, 1e6], [1.0, 1e6 + 1]]), 64),
            ConfigError,
            "marginals: column 1 varies by 1 around 1e+06, too little for 64 knots in float32: subtract a constant "
            "from it, or leave it out.",
        ),
        (
            lambda: learn(np.array([[1.0], [2.0]]), ("marginals", "pca"), 8),
            ConfigError,
            "learn: expected steps among marginals, whitening, got 'pca'.",
        ),
        (
            lambda: to_scores([Reverse((2,))], np.ones((1, 2))),
            ConfigError,
            "to_scores: expected bijectors that learn returns, got Reverse.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
