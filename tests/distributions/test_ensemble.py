"""Ensembles over masks: the mixture by hand, one member for a step of training, no key for evaluation."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import chisquare

from pushforward.distributions import AutoregressiveEnsemble, ConditionalBernoulli, ConditionalNormal
from pushforward.errors import ConfigError
from pushforward.nets import MADE
from pushforward.objectives import negative_log_likelihood

FEATURES, MEMBERS = 4, 3
EVENTS = np.array(list(itertools.product([0.0, 1.0], repeat=FEATURES)), np.float32)
WEIGHTS = jnp.ones(len(EVENTS))


def filled(build, seed=0):
    """The module with normal weights and random permutations; building it eagerly would compile for seconds."""
    random = np.random.default_rng(seed)

    def fill(leaf):
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf
        if np.issubdtype(leaf.dtype, np.integer):
            rows = np.broadcast_to(np.arange(leaf.shape[-1]), leaf.shape)
            return jnp.asarray(random.permuted(rows, axis=-1).astype(leaf.dtype))
        return jnp.asarray((0.4 * random.normal(size=leaf.shape)).astype(leaf.dtype))

    return jax.tree.map(fill, eqx.filter_eval_shape(build))


def ensemble(law=None, *, features=FEATURES, members=MEMBERS, context=0, **options):
    """An ensemble whose net is away from its start."""
    law = law or ConditionalBernoulli()

    def build():
        net = MADE(jr.key(0), features, law.num_params, context_features=context, hidden=(9, 9))
        shape = (context,) if context else None
        return AutoregressiveEnsemble(jr.key(1), law, net, shape, members=members, **options)

    return filled(build)


@pytest.fixture(scope="module")
def law():
    return ensemble()


@pytest.fixture(scope="module")
def of_members(law):
    """Log-probabilities of all events under each member, shape (MEMBERS, events)."""
    return np.stack([np.asarray(law.member(i).log_prob(EVENTS), np.float64) for i in range(MEMBERS)])


def test_it_is_the_mean_of_its_members(law, of_members):
    assert np.abs(np.diff(of_members, axis=0)).max(axis=1).min() > 0.1
    np.testing.assert_allclose(np.exp(of_members).sum(axis=1), 1, atol=1e-6)
    expected = logsumexp(of_members, axis=0) - np.log(MEMBERS)
    np.testing.assert_allclose(law.log_prob(EVENTS), expected, rtol=1e-5)


def test_probabilities_sum_to_one(law):
    assert np.exp(np.asarray(law.log_prob(EVENTS), np.float64)).sum() == pytest.approx(1, abs=1e-6)


def test_the_mean_of_continuous_members():
    law = ensemble(ConditionalNormal(), features=3, context=2)
    x, context = jr.normal(jr.key(2), (10, 3)), np.array([0.4, -1.2], np.float32)
    each = np.stack([law.member(i).log_prob(x, context) for i in range(MEMBERS)])
    np.testing.assert_allclose(law.log_prob(x, context), logsumexp(each, axis=0) - np.log(3), rtol=1e-5)
    drawn, log_prob = law.sample_and_log_prob(jr.key(3), (20,), context)
    np.testing.assert_allclose(law.log_prob(drawn, context), log_prob, rtol=1e-4, atol=1e-5)


def test_draws_come_up_as_often_as_they_should(law, of_members):
    """Pearson's chi-square over all events; a right sampler fails with another key once in a million."""
    draws = 20_000
    x, log_prob = map(np.asarray, law.sample_and_log_prob(jr.key(4), draws))
    counts = (x[:, None] == EVENTS).all(axis=2).sum(axis=0)
    assert counts.sum() == draws
    expected = draws * np.exp(of_members).mean(axis=0)
    assert expected.min() > 5
    assert chisquare(counts, expected * draws / expected.sum()).pvalue > 1e-6
    np.testing.assert_allclose(log_prob, law.log_prob(x), rtol=1e-5)


def test_a_step_of_training_has_one_member_for_all_its_rows(law, of_members):
    """Algorithm 1 of the paper: new masks for each step, the same for all examples in it."""
    programs = []

    @jax.jit
    def loss(key):
        programs.append(1)
        return negative_log_likelihood(law, jnp.asarray(EVENTS), None, WEIGHTS, key)

    losses = np.array([loss(jr.key(seed)) for seed in range(40)])
    distances = np.abs(losses[:, None] + of_members.mean(axis=1))
    assert (distances.min(axis=1) < 1e-5).all()
    assert set(distances.argmin(axis=1)) == set(range(MEMBERS))
    assert len(programs) == 1


def test_evaluation_takes_no_key_and_all_members(law, of_members):
    loss = negative_log_likelihood(law, jnp.asarray(EVENTS), None, WEIGHTS)
    expected = -(logsumexp(of_members, axis=0) - np.log(MEMBERS)).mean()
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    assert loss < -of_members.mean()  # the loss of training, in expectation: -log is convex


def test_fresh_masks_are_drawn_from_the_key():
    law = ensemble(fresh=True, members=1)
    found = {
        tuple(np.asarray(law._for_step(jr.key(seed)).log_prob(EVENTS)).round(4).tolist())
        for seed in (0, 0, 1, 2)
    }
    assert len(found) == 3
    assert tuple(np.asarray(law.log_prob(EVENTS)).round(4).tolist()) not in found


def test_what_the_members_differ_in():
    orders = ensemble(connectivity=False).masks
    units = ensemble(order=False).masks
    both = ensemble().masks
    assert orders.units is None
    assert units.order is None
    assert [layer.shape for layer in units.units] == [(MEMBERS, 9)] * 2
    assert both.order.shape == (MEMBERS, FEATURES)
    np.testing.assert_array_equal(np.sort(both.order, axis=1), np.tile(np.arange(FEATURES), (MEMBERS, 1)))
    # Without an order of its own, every member's first element sees nothing: its law is that of the bias alone.
    law = ensemble(order=False)
    first = [float(law.member(i).net(jnp.asarray(x))[0, 0]) for i in range(MEMBERS) for x in EVENTS]
    assert len(set(first)) == 1


def test_all_members_train_the_same_weights(law):
    gradient = eqx.filter_grad(negative_log_likelihood)(law, jnp.asarray(EVENTS), None, WEIGHTS)
    halves = [
        eqx.filter_grad(lambda one, i=i: -jnp.mean(one.member(i).log_prob(EVENTS)))(law) for i in range(2)
    ]
    for one in (gradient, *halves):
        assert all(np.isfinite(leaf).all() and np.any(leaf) for leaf in jax.tree.leaves(one.net.layers))
    assert not np.allclose(halves[0].net.layers[0].weight, halves[1].net.layers[0].weight)


def test_impossible_events_and_nan(law):
    x = np.array([[0, 1, 2, 0], [0, np.nan, 1, 0], [0, np.nan, 7, 0]], np.float32)
    found = np.asarray(law.log_prob(x))
    assert found[0] == -np.inf
    assert np.isnan(found[1:]).all()
    gradient = eqx.filter_grad(lambda one: one.log_prob(jnp.asarray(x[0])))(law)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"members": 0},
            "AutoregressiveEnsemble: expected members to be a whole number of at least 1, got 0.",
        ),
        (
            {"order": False, "connectivity": False},
            "AutoregressiveEnsemble: expected members that differ, got order=False and connectivity=False. "
            "Use AutoregressiveLaw for a single network.",
        ),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ConfigError) as caught:
        ensemble(**options)
    assert str(caught.value) == message


def test_a_net_that_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match=r"^AutoregressiveLaw: expected a net with 1 parameters"):
        AutoregressiveEnsemble(jr.key(0), ConditionalBernoulli(), MADE(jr.key(0), 2, 2))
