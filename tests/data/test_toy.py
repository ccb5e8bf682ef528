import functools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

from pushforward.data import toy
from pushforward.data.toy import ENTROPY, TOYS
from pushforward.errors import ShapeError

NAMES = sorted(TOYS)
CELLS = {name: 240 if name in ("rings", "pinwheel") else 120 for name in NAMES}
"""Cells along a side of [-6, 6]^2: as fine as the noise asks for, and aligned with the checkerboard."""

DRAWS = 100_000
FALSE_ALARM = 1e-6 / len(NAMES)


@functools.cache
def density(name):
    """The density at the middle of each cell of [-6, 6]^2, in float64."""
    middles = (np.arange(CELLS[name]) + 0.5) * 12 / CELLS[name] - 6
    with jax.enable_x64(True):
        return np.exp(TOYS[name].log_prob(np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1)))


@functools.cache
def draws(name):
    return np.asarray(TOYS[name].sample(jr.key(20), DRAWS))


def near(name):
    """A few points where the density is not small, and a few beside them."""
    return draws(name)[:40].astype(np.float64) + np.linspace(-0.3, 0.3, 40)[:, None]


def test_the_registry_is_complete():
    assert {toy_.sample.__name__ for toy_ in TOYS.values()} == set(TOYS)
    assert {toy_.log_prob.__name__ for toy_ in TOYS.values()} == {f"{name}_log_prob" for name in TOYS}
    assert {name: toy_.entropy for name, toy_ in TOYS.items()} == ENTROPY


@pytest.mark.parametrize("name", NAMES)
def test_the_density_integrates_to_one_and_has_the_stated_entropy(name):
    p = density(name)
    area = (12 / CELLS[name]) ** 2
    assert np.sum(p) * area == pytest.approx(1, abs=1e-8)
    assert -np.sum(p * np.log(np.maximum(p, 1e-300))) * area == pytest.approx(ENTROPY[name], abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_draws_fall_into_cells_as_the_density_says(name):
    """A chi-square test over cells of side 0.5; draws whose law is off by 3 % in every cell are found."""
    cells = CELLS[name]
    sums = density(name).reshape(24, cells // 24, 24, cells // 24).sum(axis=(1, 3)).ravel()
    expected = sums * (12 / cells) ** 2 * DRAWS
    counts = np.histogram2d(*draws(name).T, bins=24, range=[[-6, 6], [-6, 6]])[0].ravel()
    large = expected >= 10
    rest = max(DRAWS - expected[large].sum(), 0)
    assert DRAWS - counts[large].sum() <= stats.poisson.isf(FALSE_ALARM / 2, rest + 1e-3)
    statistic = np.sum((counts[large] - expected[large]) ** 2 / expected[large])
    assert statistic < stats.chi2.isf(FALSE_ALARM / 2, large.sum())


@pytest.mark.parametrize("name", NAMES)
def test_the_entropy_is_the_mean_loss_of_draws(name):
    loss = -np.asarray(TOYS[name].log_prob(draws(name)[:20_000]), np.float64)
    error = loss.std() / 20_000**0.5
    assert abs(loss.mean() - ENTROPY[name]) < stats.norm.isf(FALSE_ALARM / 2) * error + 1e-5


@pytest.mark.parametrize(
    ("name", "published", "error"),
    [
        ("eight_gaussians", 2.830, 0.002),
        ("rings", 2.627, 0.003),
        ("circles", 3.269, 0.003),
        ("pinwheel", 2.317, 0.002),
        ("two_spirals", 2.646, 0.004),
        ("swiss_roll", 2.669, 0.002),
    ],
)
def test_entropies_agree_with_independent_estimates(name, published, error):
    assert abs(ENTROPY[name] - published) < 3 * error


def test_moons_entropy_is_the_loss_of_another_generator():
    """2.3933 +- 0.0005 over 2 million points of scikit-learn's generator, under a brute-force density."""
    assert abs(ENTROPY["moons"] - 2.3933) < 4 * 0.0005


def _mixture(x, centres, noise):
    squares = np.sum((x[:, None] - centres) ** 2, axis=-1) / noise**2
    return np.log(np.mean(np.exp(-squares / 2), axis=1) / (2 * np.pi * noise**2))


def _circle(angle, radius=1.0):
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _oracle(name, x):
    """The log-density as the plain mean over 4,000 evenly spread draws of what lies under the noise."""
    u = (np.arange(4000) + 0.5) / 4000
    if name == "moons":
        half = _circle(np.pi * u)
        moons = np.concatenate([half, np.array([1, 0.5]) - half])
        return _mixture(x, 2 * moons + np.array([-1, -0.2]), 0.2)
    if name in ("rings", "circles"):
        radii, noise = ((3, 2.25, 1.5, 0.75), 0.08) if name == "rings" else ((3, 1.5), 0.24)
        return _mixture(x, np.concatenate([_circle(2 * np.pi * u, radius) for radius in radii]), noise)
    if name == "eight_gaussians":
        return _mixture(x, _circle(np.arange(8) * np.pi / 4, 4 / 1.414), 0.5 / 1.414)
    if name == "swiss_roll":
        t = 1.5 * np.pi * (1 + 2 * u)
        return _mixture(x, t[:, None] * _circle(t) / 5, 0.2)
    t = 3 * np.pi * np.sqrt(u[::2])
    blur = (np.arange(24) + 0.5) / 48
    arm = np.stack([-t * np.cos(t), t * np.sin(t)], axis=-1)[:, None, None] + np.stack(
        np.meshgrid(blur, blur), axis=-1
    )
    arm = arm.reshape(-1, 2) / 3
    arms = np.concatenate([arm, -arm])
    return np.array([_mixture(point[None], arms, 0.1)[0] for point in x])


@pytest.mark.parametrize(
    "name", ["moons", "rings", "circles", "eight_gaussians", "swiss_roll", "two_spirals"]
)
def test_log_densities_are_those_of_the_plain_mixture(name):
    x = near(name)[:: 8 if name == "two_spirals" else 1]
    with jax.enable_x64(True):
        found = np.asarray(TOYS[name].log_prob(x))
    np.testing.assert_allclose(found, _oracle(name, x), atol=2e-3 if name == "two_spirals" else 1e-4)


def test_pinwheel_density_is_the_change_of_variables():
    """Where the other arms add less than 1e-8."""
    a, b = np.array([1.0, 1.2, 1.5, 0.9]), np.array([0.0, 0.1, -0.15, 0.05])

    def image(point):
        turn = 0.25 * jnp.exp(point[0]) + 2 * np.pi / 5
        return 2 * jnp.array([[jnp.cos(turn), jnp.sin(turn)], [-jnp.sin(turn), jnp.cos(turn)]]) @ point

    with jax.enable_x64(True):
        points = jnp.stack([a, b], axis=-1)
        log_det = jnp.linalg.slogdet(jax.vmap(jax.jacfwd(image))(points))[1]
        found = TOYS["pinwheel"].log_prob(jax.vmap(image)(points))
    base = stats.norm.logpdf(a, 1, 0.3) + stats.norm.logpdf(b, 0, 0.1)
    np.testing.assert_allclose(found, base - np.asarray(log_det) - np.log(5), atol=1e-8)


@pytest.mark.parametrize(
    ("name", "radius", "error"), [("moons", 8, 1e-9), ("swiss_roll", 5, 1e-9), ("two_spirals", 5, 1e-6)]
)
def test_quadrature_has_converged(name, radius, error, monkeypatch):
    angle = np.linspace(0, 2 * np.pi, 60)
    x = np.concatenate([_circle(angle, r) for r in np.linspace(0.2, radius, 10)])
    log_prob, fewer = TOYS[name].log_prob, toy._gauss_legendre
    with jax.enable_x64(True):
        found = log_prob(x)
        monkeypatch.setattr(
            toy, "_gauss_legendre", lambda low, high, n, dtype: fewer(low, high, 3 * n, dtype)
        )
        finer = jax.jit(jax.vmap(log_prob.__wrapped__))(x)
        np.testing.assert_allclose(found, finer, atol=error, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_accurate(name):
    x = draws(name)[:500]
    single = TOYS[name].log_prob(x)
    with jax.enable_x64(True):
        double = TOYS[name].log_prob(x.astype(np.float64))
        assert jax.eval_shape(TOYS[name].log_prob, x).dtype == np.float32
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(np.asarray(single, np.float64), np.asarray(double), atol=2e-4)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"checkerboard"}))
def test_gradients_are_finite_and_right(name):
    """Also at the origin, but for the pinwheel: there its arms meet and have no direction."""
    log_prob = TOYS[name].log_prob
    with jax.enable_x64(True):
        x = jnp.asarray(near(name)[:4])
        of_rows = jax.jit(jax.vmap(jax.grad(log_prob.__wrapped__)))
        gradient = of_rows(x)
        for place in range(2):
            step = 1e-5 * jnp.eye(2)[place]
            slope = (log_prob(x + step) - log_prob(x - step)) / 2e-5
            np.testing.assert_allclose(gradient[:, place], slope, rtol=1e-4, atol=1e-5)
        if name != "pinwheel":
            assert jnp.isfinite(
                of_rows(jnp.array([[0.0, 0.0], [30.0, -30.0], [0.0, 9.0], [1e-30, 0.0]]))
            ).all()


def test_the_checkerboard_ends_at_its_squares():
    inside, outside = [[-3, -3], [-2.1, -3.9], [1, -3]], [[-3, -1], [-1.9, -3], [5, 5], [1, 4.1]]
    x = np.array([*inside, *outside, [np.nan, 0]])
    found = TOYS["checkerboard"].log_prob(x).tolist()
    assert found[:3] == pytest.approx([-np.log(32)] * 3)
    assert found[3:7] == [-np.inf] * 4
    assert np.isnan(found[7])


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_keys(name):
    sample, log_prob, _ = TOYS[name]
    points = sample(jr.key(0), 6)
    assert points.shape == (6, 2)
    assert points.dtype == np.float32
    assert np.array_equal(points, sample(jr.key(0), 6))
    assert not np.any(points == sample(jr.key(1), 6))
    assert sample(jr.key(0), 0).shape == (0, 2)
    batch = log_prob(points)
    assert log_prob(points.reshape(2, 3, 2)).shape == (2, 3)
    assert log_prob(points[0]).shape == ()
    np.testing.assert_allclose(log_prob(points[0]), batch[0], rtol=1e-5)
    with pytest.raises(ShapeError) as caught:
        log_prob(jnp.zeros((4, 3)))
    assert str(caught.value) == f"{name}_log_prob: expected points of shape (..., 2), got shape (4, 3)."
