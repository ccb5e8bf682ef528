"""Laws of mixed rows, against probabilities that are known."""

import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest
from scipy.stats import multivariate_normal, norm

from pushforward.bijectors import Identity
from pushforward.data.encoding import learn_encoder
from pushforward.distributions import Dequantized, Flow, MultivariateNormal, StandardNormal
from pushforward.distributions.dequantized import BoxLaw, bend, boxes, place, spread
from pushforward.distributions.encoding import Cells, Encoder
from pushforward.errors import ConfigError, ShapeError
from pushforward.nets import MLP

RNG = np.random.default_rng(0)
N = 4000
KINDS = {
    "levels": (Cells("levels", count=3, step=1.0), RNG.choice(3, p=[0.7, 0.05, 0.25], size=N)),
    "grid": (Cells("values", step=1.0, low=0.0, density=False), RNG.poisson(3.0, size=N)),
    "rounded": (Cells("values", step=0.1, density=True), np.round(RNG.normal(size=N), 1)),
    "line": (Cells("values"), 100 + 5 * RNG.standard_t(3, size=N)),
    "positive": (Cells("values", low=0.0, scale=1.0), RNG.exponential(size=N)),
    "interval": (Cells("values", low=0.0, high=1.0), RNG.beta(2, 0.8, size=N)),
    "masses": (
        Cells("values", low=-1e-6, scale=1.0, masses=(0.0,)),
        np.where(RNG.uniform(size=N) < 0.6, 0.0, RNG.exponential(size=N)),
    ),
    "missing": (
        Cells("values", missing=True),
        np.where(RNG.uniform(size=N) < 0.1, np.nan, RNG.normal(size=N)),
    ),
    "angle": (Cells("angle", period=360.0), RNG.uniform(0, 360, size=N)),
}
CELLS, CODES = tuple(cells for cells, _ in KINDS.values()), np.stack([x for _, x in KINDS.values()], axis=1)


@pytest.fixture(scope="module")
def encoder():
    return learn_encoder(CELLS, CODES, knots=24)


def independent(encoder, draws=4):
    law = StandardNormal((encoder.features,))
    return Dequantized(Flow(law, Identity((encoder.features,))), encoder, draws)


def one(name):
    """The law of one column, its scores standard normal."""
    cells, x = KINDS[name]
    return independent(learn_encoder([cells], np.asarray(x, float)[:, None], knots=24))


def probabilities(name, codes):
    return np.exp(np.asarray(one(name).log_prob(np.asarray(codes, float)[:, None])))


def test_levels_have_their_shares_among_the_rows():
    counts = np.bincount(KINDS["levels"][1].astype(int))
    np.testing.assert_allclose(probabilities("levels", [0, 1, 2]), (counts + 0.5) / (N + 1.5), rtol=1e-3)


def test_the_points_of_a_grid_have_theirs():
    x = KINDS["grid"][1]
    found = probabilities("grid", np.arange(40))
    counts = np.bincount(x)
    np.testing.assert_allclose(found[: len(counts)], (counts + 0.5) / (N + 0.5 * len(counts) + 1), rtol=5e-3)
    # Beyond what was seen there is some probability left, and all of it together is one.
    assert 0 < found[len(counts)] < 1e-3
    assert found.sum() == pytest.approx(1, abs=1e-3)
    # Off the grid and outside of the support there is none.
    assert probabilities("grid", [1.5, -1]).tolist() == [0, 0]


def test_the_end_cells_of_a_grid_hold_all_that_lies_beyond_them():
    # Of so few rows much probability is thought to lie beyond; between 0 and 10 there is nowhere to go.
    x = np.random.default_rng(5).integers(1, 10, size=(40, 1)).astype(float)
    law = independent(learn_encoder([Cells("values", step=1.0, low=0.0, high=10.0)], x, knots=8))
    found = np.exp(np.asarray(law.log_prob(np.arange(11.0)[:, None])))
    assert found.sum() == pytest.approx(1, abs=1e-5)
    beyond = learn_encoder([Cells("values", step=1.0)], x, knots=8)
    inside = np.exp(np.asarray(independent(beyond).log_prob(np.arange(11.0)[:, None])))
    assert 1 - inside.sum() > 1e-3
    np.testing.assert_allclose(found[1:10], inside[1:10], rtol=1e-4)
    assert min(found[0] - inside[0], found[10] - inside[10]) > 1e-4


def test_a_rounded_value_has_a_density():
    x = KINDS["rounded"][1]
    grid = np.round(np.arange(-40, 41) * 0.1, 1)
    found = probabilities("rounded", grid)
    assert found.sum() * 0.1 == pytest.approx(1, abs=5e-3)
    shares = np.array([(np.abs(x - value) < 0.05).mean() for value in grid])
    np.testing.assert_allclose(found * 0.1, shares, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("line", -900, 1100), ("positive", 0, 60), ("interval", 0, 1)]
)
def test_continuous_densities_integrate_to_one_and_to_the_shares_of_the_rows(name, low, high):
    edges = np.linspace(low, high, 400_001)
    middle, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    density = probabilities(name, middle)
    assert density.sum() * width == pytest.approx(1, abs=2e-3)
    x = KINDS[name][1]
    for q in (0.1, 0.5, 0.9):
        below = density[middle < np.quantile(x, q)].sum() * width
        assert below == pytest.approx(q, abs=0.01)


def test_a_point_mass_has_a_probability_and_the_rest_a_density():
    x = KINDS["masses"][1]
    [mass] = probabilities("masses", [0.0])
    assert mass == pytest.approx((x == 0).mean(), abs=1e-3)
    edges = np.linspace(0, 40, 400_001)
    density = probabilities("masses", (edges[1:] + edges[:-1]) / 2)
    assert density.sum() * 1e-4 == pytest.approx(1 - mass, abs=2e-3)


def test_what_is_missing_has_a_probability():
    [missing] = probabilities("missing", [np.nan])
    assert missing == pytest.approx(np.isnan(KINDS["missing"][1]).mean(), abs=1e-3)


def test_a_uniform_angle_has_no_seam():
    found = probabilities("angle", [0, 1e-3, 90, 359.999, 360, 725])
    np.testing.assert_allclose(found, 1 / 360, rtol=1e-5)


def test_columns_are_independent_where_the_flow_is_the_identity(encoder):
    # Column by column beside that of most knots: all splines of an encoder are given as many.
    most = list(KINDS).index("rounded")

    def log_prob(places):
        found = learn_encoder([CELLS[place] for place in places], CODES[:, places], knots=24)
        return np.asarray(independent(found).log_prob(CODES[:20][:, places]))

    alone = log_prob([most])
    each = [log_prob([place, most]) - alone for place in range(len(KINDS)) if place != most]
    np.testing.assert_allclose(
        independent(encoder).log_prob(CODES[:20]), np.sum(each, axis=0) + alone, atol=2e-3
    )


def test_a_row_comes_back_from_anywhere_in_its_box(encoder):
    rows = CODES[:200]
    box = boxes(encoder, rows)
    for u in (0.01, 0.5, 0.99):
        z = jax.vmap(lambda b, u=u: place(b, jnp.full_like(b.lower, u), encoder.angles)[0])(box)
        back = np.asarray(jax.vmap(encoder.codes)(z))
        np.testing.assert_array_equal(np.isnan(back), np.isnan(rows))
        np.testing.assert_allclose(back, rows, rtol=2e-4, atol=2e-3)


def test_draws_lie_in_the_support_and_on_the_grids(encoder):
    x = np.asarray(independent(encoder).sample(jr.key(0), (2000,)))
    columns = dict(zip(KINDS, x.T, strict=True))
    assert set(columns["levels"]) == {0, 1, 2}
    assert (columns["grid"] == np.round(columns["grid"])).all()
    assert columns["grid"].min() == 0
    np.testing.assert_allclose(columns["rounded"], np.round(columns["rounded"], 1), atol=1e-5)
    assert columns["positive"].min() > 0
    assert ((columns["interval"] > 0) & (columns["interval"] < 1)).all()
    assert 0.55 < (columns["masses"] == 0).mean() < 0.65
    assert 0.07 < np.isnan(columns["missing"]).mean() < 0.13
    assert ((columns["angle"] >= 0) & (columns["angle"] < 360)).all()


def correlated(draws):
    """Two columns of levels whose scores have a correlation of 0.8."""
    cells = [Cells("levels", count=3, step=1.0), Cells("levels", count=2, step=1.0)]
    codes = np.stack([KINDS["levels"][1], RNG.choice(2, p=[0.3, 0.7], size=N)], axis=1).astype(float)
    encoder = learn_encoder(cells, codes, knots=4)
    law = MultivariateNormal(jnp.zeros(2), jnp.array([[1.0, 0.8], [0.8, 1.0]]))
    return Dequantized(Flow(law, Identity((2,))), encoder, draws), encoder


def rectangle(low, high):
    law = multivariate_normal(np.zeros(2), [[1, 0.8], [0.8, 1]])
    corners = itertools.product(*zip(low, high, strict=True))
    signs = (-1) ** np.array([sum(c == 0 for c in bits) for bits in itertools.product((0, 1), repeat=2)])
    return sum(sign * law.cdf(np.array(corner)) for sign, corner in zip(signs, corners, strict=True))


def test_with_many_draws_a_row_has_the_probability_of_its_box():
    law, encoder = correlated(4096)
    rows = np.array(list(itertools.product(range(3), range(2))), float)
    box = boxes(encoder, rows)
    truth = [rectangle(*ends) for ends in zip(box.lower, box.upper, strict=True)]
    np.testing.assert_allclose(np.exp(law.log_prob(rows)), truth, rtol=0.02)
    # Draws have these probabilities too: the standard error of a share is at most 0.008, and six of them are allowed.
    x = np.asarray(law.sample(jr.key(1), (4000,)))
    shares = [(x == row).all(axis=1).mean() for row in rows]
    np.testing.assert_allclose(shares, truth, atol=0.048)


def test_fewer_draws_give_a_lower_bound_in_the_mean():
    law, _ = correlated(4096)
    x = np.asarray(law.sample(jr.key(2), (500,)))
    truth = np.asarray(law.log_prob(x)).mean()
    key = jr.split(jr.key(3), len(x))
    single = np.asarray(jax.vmap(law._log_prob, in_axes=(0, None, 0))(x, None, key))
    several = np.asarray(correlated(16)[0].log_prob(x)).mean()
    assert single.mean() < truth - 0.05
    assert single.mean() < several < truth + 0.01


def test_a_learned_dequantizer_changes_the_bound_but_not_what_it_bounds(randomised):
    law, encoder = correlated(4096)
    net = randomised(lambda: MLP(jr.key(0), 2, 4, hidden=(8,)), scale=0.15)
    rows = np.array(list(itertools.product(range(3), range(2))), float)
    with_net = Dequantized(law.flow, encoder, 4096, net)
    np.testing.assert_allclose(with_net.log_prob(rows), law.log_prob(rows), atol=0.05)
    single = [np.asarray(Dequantized(law.flow, encoder, 1, q).log_prob(rows)) for q in (net, None)]
    assert np.abs(single[0] - single[1]).max() > 0.05  # one point, and elsewhere


def test_training_learns_where_points_lie():
    """With a flow that is fixed, only a better q raises the bound; it must, and stay below the truth."""
    law, encoder = correlated(4096)
    x = np.asarray(law.sample(jr.key(2), (400,)))
    truth = np.asarray(law.log_prob(x)).mean()
    net = MLP(jr.key(0), 2, 4, hidden=(16,))
    box = boxes(encoder, x)

    @jax.jit
    def loss(net, key):
        one = BoxLaw(law.flow, net, (), 1)
        keys = jr.split(key, len(x))
        return -jnp.mean(jax.vmap(lambda b, k: one.log_prob(b, None, k))(box, keys))

    params, fixed = eqx.partition(net, eqx.is_inexact_array)
    step = jax.jit(jax.value_and_grad(lambda params, key: loss(eqx.combine(params, fixed), key)))
    optimizer = optax.adam(3e-3)
    state, losses = optimizer.init(params), []
    for number in range(300):
        value, gradient = step(params, jr.fold_in(jr.key(5), number))
        updates, state = optimizer.update(gradient, state)
        params = optax.apply_updates(params, updates)
        losses.append(float(value))
    before, after = -np.mean(losses[:20]), -np.mean(losses[-50:])
    assert after > before + 0.2 * (truth - before)
    assert after < truth + 0.02


def test_bending_is_what_it_says():
    u = jnp.linspace(0.01, 0.99, 25)
    scale, shift = jnp.full(25, -0.8), jnp.full(25, 1.5)
    v, log_slope = bend(u, scale, shift)
    slope = jax.vmap(jax.grad(lambda u, s, t: bend(u, s, t)[0]))(u, scale, shift)
    np.testing.assert_allclose(log_slope, np.log(slope), atol=1e-4)
    assert (np.diff(v) > 0).all()
    same, flat = bend(u, jnp.zeros(25), jnp.zeros(25))
    np.testing.assert_allclose(same, u, atol=1e-6)
    np.testing.assert_allclose(flat, 0, atol=1e-5)
    for extreme in (-1e30, 1e30):
        ends, log_slope = bend(jnp.array([0.0, 0.5, 1.0]), jnp.full(3, extreme), jnp.full(3, extreme))
        assert np.isfinite(ends).all()
        assert np.isfinite(log_slope).all()
        assert ((ends > 0) & (ends < 1)).all()


def test_the_density_of_an_angle_is_the_integral_along_its_ray():
    encoder = Encoder.blank([Cells("angle", period=2 * math.pi)], 2)
    mean = np.array([0.8, -0.3])
    law = Dequantized(
        Flow(MultivariateNormal(jnp.asarray(mean), jnp.eye(2)), Identity((2,))), encoder, draws=4096
    )
    angles = np.array([0.0, 1.0, 2.5, -2.0])
    r = np.linspace(0, 12, 20_001)
    points = r[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    truth = (norm.pdf(points - mean).prod(axis=-1) * r[:, None]).sum(axis=0) * (r[1] - r[0])
    np.testing.assert_allclose(np.exp(law.log_prob(angles[:, None])), truth, rtol=0.02)


def test_nan_where_nothing_may_be_missing_stays_nan_and_an_unknown_level_has_no_probability(encoder):
    law, row = independent(encoder), CODES[:1].copy()
    row[0, list(KINDS).index("missing")] = 0.5
    for name in KINDS:
        spoiled = row.copy()
        spoiled[0, list(KINDS).index(name)] = np.nan
        assert np.isnan(law.log_prob(spoiled)).all() == (name != "missing"), name
    for name, value in {"levels": 3, "positive": -1, "interval": 1.5, "grid": -1}.items():
        spoiled = row.copy()
        spoiled[0, list(KINDS).index(name)] = value
        assert np.asarray(law.log_prob(spoiled)) == -np.inf, name


def test_equal_rows_have_equal_values_whatever_stands_beside_them(encoder):
    law = independent(encoder)
    alone = np.asarray(law.log_prob(CODES[7]))
    assert (np.asarray(law.log_prob(np.repeat(CODES[:9], 30, axis=0)))[7 * 30 : 8 * 30] == alone).all()


def test_points_are_spread_evenly():
    points = spread(512, 3)
    assert points[0].tolist() == [0.5, 0.5, 0.5]
    counts, _ = np.histogramdd(points, bins=2, range=[(0, 1)] * 3)
    # 64 in each octant; the standard deviation of as many independent points would be 7.5.
    assert counts.std() < 5.5


def test_what_does_not_fit_is_refused(encoder):
    with pytest.raises(ShapeError) as caught:
        Dequantized(Flow(StandardNormal((2,)), Identity((2,))), encoder)
    assert str(caught.value) == (
        "Dequantized: expected a flow over events of shape (12,), one number for each coordinate of the encoder, got "
        "one over (2,)."
    )
    with pytest.raises(ConfigError) as caught:
        independent(encoder, draws=0)
    assert str(caught.value) == "Dequantized: expected draws to be a whole number of at least 1, got 0."
