"""Autoregressive laws: every event summed and counted, the normal one held against a flow's density."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import chisquare, norm

from pushforward.bijectors import Affine, Autoregressive, Invert
from pushforward.distributions import (
    AutoregressiveLaw,
    ConditionalBernoulli,
    ConditionalCategorical,
    ConditionalMixture,
    ConditionalNormal,
    Flow,
    StandardNormal,
)
from pushforward.errors import ConfigError
from pushforward.nets import MADE
from pushforward.testing.subject import precision

CONTEXT = np.array([0.4, -1.2], np.float32)


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


def made(law, features, context=0, **options):
    """An autoregressive law whose net is away from its start."""

    def build():
        net = MADE(jr.key(0), features, law.num_params, context_features=context, hidden=(8, 8), **options)
        return AutoregressiveLaw(law, net, (context,) if context else None)

    return filled(build)


def codes(law):
    """All events of a law over whole numbers."""
    return np.array(list(itertools.product(range(law.law.values), repeat=law.net.features)), np.float32)


def by_hand(law, events, context=None):
    """Log-probabilities as the papers write them, from the net's parameters for each event."""
    seen = 2 * events / (law.law.values - 1) - 1 if law.law.num_params > 1 else events
    params = np.asarray(jax.vmap(law.net, in_axes=(0, None))(seen, context), np.float64)
    logits = np.concatenate([np.zeros_like(params), params], axis=1) if params.shape[1] == 1 else params
    logs = log_softmax(logits, axis=1)
    return np.take_along_axis(logs, events[:, None].astype(int), axis=1).sum(axis=(1, 2))


DISCRETE = {
    "bernoulli": lambda: made(ConditionalBernoulli(), 4, order="random", direct=True),
    "bernoulli-residual": lambda: made(ConditionalBernoulli(), 4, order="reversed", residual=True, context=2),
    "categorical": lambda: made(ConditionalCategorical(3), 3, order="random"),
}
CONTINUOUS = {
    "normal": lambda: made(ConditionalNormal(), 3, order="random"),
    "mixture": lambda: made(ConditionalMixture(3), 3, context=2),
}


def context_of(law):
    return None if law.context_shape is None else CONTEXT


@pytest.mark.parametrize("name", DISCRETE)
def test_probabilities_are_the_papers_and_sum_to_one(name):
    law = DISCRETE[name]()
    events = codes(law)
    found = law.log_prob(events, context_of(law))
    np.testing.assert_allclose(found, by_hand(law, events, context_of(law)), rtol=1e-5)
    assert np.exp(np.asarray(found, np.float64)).sum() == pytest.approx(1, abs=1e-6)
    assert np.ptp(found) > 1


@pytest.mark.parametrize("name", DISCRETE)
def test_draws_come_up_as_often_as_they_should(name):
    """Pearson's chi-square over all events; a right sampler fails with another key once in a million."""
    law = DISCRETE[name]()
    events, draws = codes(law), 20_000
    x = np.asarray(law.sample(jr.key(1), draws, context_of(law)))
    counts = (x[:, None] == events).all(axis=2).sum(axis=0)
    assert counts.sum() == draws
    expected = draws * np.exp(by_hand(law, events, context_of(law)))
    assert expected.min() > 5
    assert chisquare(counts, expected * draws / expected.sum()).pvalue > 1e-6


@pytest.mark.parametrize("name", DISCRETE | CONTINUOUS)
def test_draws_come_with_their_log_density(name):
    law = (DISCRETE | CONTINUOUS)[name]()
    x, log_prob = law.sample_and_log_prob(jr.key(2), (3, 20), context_of(law))
    assert x.shape == (3, 20, law.net.features)
    np.testing.assert_allclose(law.log_prob(x, context_of(law)), log_prob, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(law.sample(jr.key(2), (3, 20), context_of(law)), x)


class Turned(eqx.Module):
    """Parameters (a, m) of x = m + exp(s) z as those of z = exp(-s) x - m exp(-s), which a MAF's layer takes."""

    net: MADE

    @property
    def features(self):
        return self.net.features

    @property
    def num_params(self):
        return 2

    def __call__(self, x, context=None, *, key=None):
        raw, mean = self.net(x, context, key=key)
        return jnp.stack([-raw, -mean * jnp.exp(-5 * jnp.tanh(raw / 5))])

    def in_turn(self, find, targets, context=None):
        raise NotImplementedError


def test_the_normal_law_is_a_masked_autoregressive_flow_of_one_layer():
    law = made(ConditionalNormal(), 3, order="reversed", context=2)
    flow = Flow(StandardNormal((3,)), Invert(Autoregressive(Affine(bound=5.0), Turned(law.net), (2,))))
    x = jr.normal(jr.key(3), (10, 3))
    np.testing.assert_allclose(law.log_prob(x, CONTEXT), flow.log_prob(x, CONTEXT), rtol=2e-5)


def test_normal_draws_are_the_noise_that_the_density_sees():
    law = made(ConditionalNormal(), 3)
    x = law.sample(jr.key(4), 4000)
    raw, mean = np.moveaxis(np.asarray(jax.vmap(law.net)(x), np.float64), 1, 0)
    z = np.sort((x - mean) * np.exp(-5 * np.tanh(raw / 5)), axis=None)
    steps = np.arange(z.size + 1) / z.size
    # Dvoretzky, Kiefer, Wolfowitz and Massart: a right sampler fails once in a million.
    bound = np.sqrt(np.log(2e6) / (2 * z.size))
    assert max(np.abs(norm.cdf(z) - steps[1:]).max(), np.abs(norm.cdf(z) - steps[:-1]).max()) < bound


def test_gradients_of_normal_draws_are_their_differences():
    def total(parameters):
        return jnp.sum(jnp.sin(eqx.combine(parameters, rest).sample(jr.key(5), (6,))))

    with precision(np.float64):
        parameters, rest = eqx.partition(made(ConditionalNormal(), 4, order="random"), eqx.is_inexact_array)
        parameters = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), parameters)
        way = jax.tree.map(lambda leaf: jr.normal(jr.key(leaf.size), leaf.shape), parameters)
        slope = jax.jvp(total, (parameters,), (way,))[1]
        gradient = jax.grad(total)(parameters)
        ahead, behind = (jax.tree.map(lambda p, w, h=h: p + h * w, parameters, way) for h in (1e-6, -1e-6))
        difference = (total(ahead) - total(behind)) / 2e-6
        product = sum(map(jnp.vdot, jax.tree.leaves(gradient), jax.tree.leaves(way)))
        slopes = [float(slope), float(product), float(difference)]
    assert abs(slopes[2]) > 0.1
    np.testing.assert_allclose(slopes[:2], slopes[2], rtol=1e-6)


def test_impossible_events_and_nan():
    law = DISCRETE["categorical"]()
    x = np.array([[0, 1, 3], [0.5, 1, 1], [-1, 0, 0], [0, np.nan, 1], [2, 2, 2]], np.float32)
    found = np.asarray(law.log_prob(x))
    assert (found[:3] == -np.inf).all()
    assert np.isnan(found[3])
    assert np.isfinite(found[4])


def test_dropout_is_for_a_key_alone():
    law = made(ConditionalNormal(), 3, dropout=0.5)
    x = jnp.array([0.3, -1.0, 2.0])
    some = {float(law._log_prob(x, None, jr.key(seed))) for seed in range(4)}
    assert len(some) == 4
    assert float(law.log_prob(x)) not in some
    assert law._for_step(jr.key(0)) is law


def test_a_net_that_does_not_fit_is_refused():
    with pytest.raises(ConfigError) as caught:
        AutoregressiveLaw(ConditionalMixture(4), MADE(jr.key(0), 2, 2))
    assert str(caught.value) == (
        "AutoregressiveLaw: expected a net with 12 parameters for each element, as ConditionalMixture takes, got 2. "
        "Build the net with num_params=12."
    )
